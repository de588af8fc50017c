//! Scores as people read them.

/// Three significant digits.
pub(crate) fn number(value: f32) -> String {
    let magnitude = value.abs();
    match magnitude {
        0.0 => "0".to_owned(),
        1e-3..9.995 => format!("{value:.2}"),
        9.995..99.95 => format!("{value:.1}"),
        99.95..1e5 => format!("{value:.0}"),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 1.234, -12.34, 123.4, 0.000_12, 2.5e7].map(number);
        assert_eq!(shown, ["0", "1.23", "-12.3", "123", "1.2e-4", "2.5e7"]);
    }
}
