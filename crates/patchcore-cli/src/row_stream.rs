//! Rows on stdout as they come: each is written and flushed whole before the next one is worked on.

use std::io::IsTerminal;

use patchcore::one_line;
use serde::Serialize;

use crate::arguments::Format;
use crate::csv_cell::safe_cell;
use crate::output::print;

/// Rows in one format.
pub struct RowStream {
    format: Format,
    rows: usize,
}

impl RowStream {
    /// Nothing is written yet.
    pub fn new(format: Format) -> Self {
        Self { format, rows: 0 }
    }

    /// Writes a row; in a table as `line`, which has no line break.
    pub fn row<T: Serialize>(&mut self, row: &T, line: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Table => format!("{}\n", line(row)),
            Format::Jsonl => format!("{}\n", serde_json::to_string(row)?),
            Format::Json => {
                let before = if self.rows == 0 { "[\n" } else { ",\n" };
                format!("{before}  {}", serde_json::to_string_pretty(row)?.replace('\n', "\n  "))
            }
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().has_headers(self.rows == 0).from_writer(Vec::new());
                writer.serialize(row)?;
                let bytes = writer.into_inner().map_err(|error| error.into_error())?;
                let is_terminal = std::io::stdout().is_terminal();
                let mut cells = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
                let mut writer = csv::Writer::from_writer(Vec::new());
                for record in cells.records() {
                    writer.write_record(record?.iter().map(|cell| {
                        let cell = safe_cell(cell);
                        // A file keeps the names as they are; a terminal would obey them.
                        if is_terminal { one_line(&cell) } else { cell.into_owned() }
                    }))?;
                }
                let bytes = writer.into_inner().map_err(|error| error.into_error())?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        self.rows += 1;
        print(&text)
    }

    /// Closes what was begun: the array of JSON.
    pub fn end(self) -> anyhow::Result<()> {
        match (self.format, self.rows) {
            (Format::Json, 0) => print("[]\n"),
            (Format::Json, _) => print("\n]\n"),
            _ => Ok(()),
        }
    }
}
