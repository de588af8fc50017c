//! A time, and a share, for a reader.

/// `10 %`; shares have no more digits than were asked for.
pub fn percent(share: f64) -> String {
    format!("{} %", (share * 1e6).round() / 1e4)
}

/// Seconds, minutes or hours: "10 seconds".
pub fn in_words(seconds: f64) -> String {
    let (count, unit) = match seconds {
        below if below < 90.0 => (below, "second"),
        below if below < 90.0 * 60.0 => (below / 60.0, "minute"),
        more => (more / 3600.0, "hour"),
    };
    let count = count.round().max(1.0);
    format!("{count} {unit}{}", if count == 1.0 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_a_unit_that_fits() {
        let words = [0.2, 1.4, 89.0, 100.0, 3600.0, 5400.0, 36_000.0].map(in_words);
        assert_eq!(words, ["1 second", "1 second", "89 seconds", "2 minutes", "60 minutes", "2 hours", "10 hours"]);
    }
}
