//! Text of the page: figures, rows of tables, and what comes from elsewhere made safe.

use std::fmt::Write;

/// `99.12 / 98.10 / - / 80.00`.
pub fn figures(values: &[Option<f64>]) -> String {
    joined(values.iter().map(|value| value.map_or("-".to_owned(), |value| format!("{value:.2}"))))
}

/// With slashes between.
pub fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" / ")
}

/// Adds a line.
pub fn push(text: &mut String, line: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{line}");
}

/// A row of a table.
pub fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// Text from elsewhere in a table or a list of Markdown.
pub fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        if matches!(c, '|' | '<' | '*' | '`' | '[') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}
