//! A time, a share, a number of things and the banks of a model, for a reader.

use patchcore::Model;

/// What only a fit knows, of a model without one.
pub const NO_FIT: &str = "not known: the bank comes from elsewhere";

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

/// "1 photo", "2 photos".
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// "a and b", "a, b and c".
pub fn joined(parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<String> = parts.into_iter().collect();
    match parts.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => parts.concat(),
    }
}

/// A number of each bank: "12", "12 and 14".
pub fn per_bank(counts: &[usize]) -> String {
    joined(counts.iter().map(usize::to_string))
}

/// "memory bank 64 x 120", "memory banks 64 x 120 and 64 x 144".
pub fn banks(model: &Model) -> String {
    let banks = model.banks();
    let what = if banks.len() == 1 { "memory bank" } else { "memory banks" };
    format!("{what} {}", joined(banks.iter().map(|bank| format!("{} x {}", bank.len(), bank.dim()))))
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
