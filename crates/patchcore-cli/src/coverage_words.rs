//! The coverage of memory banks in words: how far training patches lie from the bank that stands for them.

use patchcore::Coverage;

/// Where in the quantiles of a coverage half of the patches and 99 % of them stand: shares 0.5, 0.9, 0.95, 0.99, 0.995, 0.999, 1.
const HALF: usize = 0;
const MOST: usize = 3;

/// `radius 12.3456, measured over 30720 patches, half of which are within 3.2100 and 99 % within 8.1200`.
pub fn described(coverage: &Coverage) -> String {
    let patches = coverage.patches;
    if !coverage.is_exact {
        return format!("{}, a bound for {patches} patches", radius(coverage));
    }
    let within = match (coverage.quantiles.get(HALF), coverage.quantiles.get(MOST)) {
        (Some(half), Some(most)) => format!(", half of which are within {half:.4} and 99 % within {most:.4}"),
        _ => String::new(),
    };
    format!("{}, measured over {patches} patches{within}", radius(coverage))
}

/// `radius 12.3456`, or `radius at most 12.3456`.
pub fn radius(coverage: &Coverage) -> String {
    format!("radius {}{:.4}", if coverage.is_exact { "" } else { "at most " }, coverage.radius)
}

/// A line for each bank of a model that was changed: its radius before and now.
pub fn changed(before: &[Coverage], after: &[Coverage]) -> String {
    let of_bank = |at: usize| if after.len() == 1 { String::new() } else { format!(" of bank {}", at + 1) };
    let line = |(at, now): (usize, &Coverage)| {
        let before = before.get(at).map_or_else(|| "not known".to_owned(), radius);
        format!("coverage{}: {before} before, {} now\n", of_bank(at), radius(now))
    };
    after.iter().enumerate().map(line).collect()
}

/// A line for each bank: what its coverage is.
pub fn lines(coverage: &[Coverage]) -> String {
    let of_bank = |at: usize| if coverage.len() == 1 { String::new() } else { format!(" of bank {}", at + 1) };
    let line = |(at, coverage): (usize, &Coverage)| format!("coverage{}: {}\n", of_bank(at), described(coverage));
    coverage.iter().enumerate().map(line).collect()
}
