//! Values of options that are more than a number or a word.

use patchcore::Size;

/// `RULE=VALUE`.
///
/// # Errors
/// What is expected.
pub fn parse_rule(text: &str) -> Result<(String, String), String> {
    let (rule, value) = text.split_once('=').ok_or("expected RULE=VALUE, for example image_score=maximum_of_map")?;
    Ok((rule.trim().to_owned(), value.trim().to_owned()))
}

/// A number of pixels that is not negative.
///
/// # Errors
/// What is expected.
pub fn parse_area(text: &str) -> Result<f64, String> {
    let area = text.parse::<f64>().ok().filter(|area| area.is_finite() && *area >= 0.0);
    area.ok_or_else(|| "expected a number of pixels, 0 or more".to_owned())
}

/// A time in milliseconds.
///
/// # Errors
/// What is expected.
pub fn parse_budget(text: &str) -> Result<f64, String> {
    let budget = text.parse::<f64>().ok().filter(|budget| budget.is_finite() && *budget > 0.0);
    budget.ok_or_else(|| "expected a number of milliseconds above 0".to_owned())
}

/// `N` or `WxH`.
///
/// # Errors
/// What is expected.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let side =
        |side: &str| side.parse::<u32>().map_err(|_| format!("`{text}`: expected N or WxH, for example 320x256"));
    match text.split_once(['x', 'X']) {
        Some((width, height)) => Ok(Size { width: side(width)?, height: side(height)? }),
        None => side(text).map(|side| Size { width: side, height: side }),
    }
}

/// Threads of the program: at least one.
///
/// # Errors
/// What is expected.
pub fn parse_threads(text: &str) -> Result<usize, String> {
    let threads = text.parse::<usize>().ok().filter(|threads| (1..=MOST_THREADS).contains(threads));
    threads.ok_or_else(|| format!("expected a number from 1 to {MOST_THREADS}"))
}

/// More than any machine that computes on its CPU alone gains from.
const MOST_THREADS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_a_side_or_two() {
        assert_eq!(parse_size("224"), Ok(Size { width: 224, height: 224 }));
        assert_eq!(parse_size("320x256"), Ok(Size { width: 320, height: 256 }));
        for bad in ["", "x", "3x", "a", "-1", "1x2x3"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn threads_are_at_least_one() {
        assert_eq!(parse_threads("2"), Ok(2));
        for bad in ["0", "-1", "two", "1025", ""] {
            assert!(parse_threads(bad).is_err(), "{bad}");
        }
    }
}
