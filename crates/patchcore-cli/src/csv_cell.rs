//! Cells of CSV that no spreadsheet takes for a formula.

use std::borrow::Cow;

/// What a cell begins with that a spreadsheet computes.
const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text as a cell: with an apostrophe in front where it would be a formula. Numbers stay numbers.
pub fn safe_cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULAS) && text.parse::<f64>().is_err() {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_texts_and_numbers_stay() {
        for formula in ["=1+1.png", "+a.png", "-a.png", "@a.png", "\ta.png", "\r"] {
            assert_eq!(safe_cell(formula), format!("'{formula}"));
        }
        for other in ["", "-0.5", "+1", "-1e-7", "a=b.png", "/x/=1.png", "'=1"] {
            assert_eq!(safe_cell(other), other);
        }
    }
}
