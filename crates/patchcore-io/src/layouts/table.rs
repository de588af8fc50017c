//! A small table with a header: CSV, of which every error names the line and the column.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{DatasetError, one_line};

/// What a table may have, at most.
const MAX_BYTES: u64 = 256 << 20;

/// Separators, of which the header tells: commas, and what spreadsheets of other countries write.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// A table in memory.
pub(super) struct Table {
    path: PathBuf,
    header: Vec<String>,
    bytes: Vec<u8>,
    separator: u8,
}

/// One row.
pub(super) struct Row {
    /// From 1, the header included.
    pub line: u64,
    cells: Vec<String>,
}

impl Row {
    /// The cell of a column, without blanks around.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

impl Table {
    /// Reads a file and its header.
    pub fn read(path: &Path) -> Result<Table, DatasetError> {
        let failed = |source| DatasetError::Read { path: path.to_path_buf(), source };
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
        let mut table = Table { path: path.to_path_buf(), header: Vec::new(), bytes, separator: b',' };
        if table.bytes.len() as u64 > MAX_BYTES {
            let problem = format!("has more than {} MiB; expected a table of photos, divide it", MAX_BYTES >> 20);
            return Err(table.problem(1, "header", problem));
        }
        // The mark that spreadsheets put before UTF-8.
        if table.bytes.starts_with(b"\xef\xbb\xbf") {
            table.bytes.drain(..3);
        }
        let first = table.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |separator: u8| first.iter().filter(|byte| **byte == separator).count();
        // The first of the most frequent.
        table.separator = SEPARATORS.into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',');
        let mut records = table.reader();
        let mut record = csv::ByteRecord::new();
        if !records.read_byte_record(&mut record).map_err(|error| table.problem(1, "header", error.to_string()))? {
            return Err(table.problem(
                1,
                "header",
                "the file is empty; expected a line with the names of the columns".to_owned(),
            ));
        }
        let header = record.iter().map(|cell| String::from_utf8_lossy(cell).to_lowercase()).collect();
        table.header = header;
        Ok(table)
    }

    fn reader(&self) -> csv::Reader<&[u8]> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.separator)
            .trim(csv::Trim::All)
            .from_reader(self.bytes.as_slice())
    }

    /// The names of the columns, in lower case.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The place of a column that must be there.
    pub fn column(&self, name: &str) -> Result<usize, DatasetError> {
        self.header.iter().position(|column| column == name).ok_or_else(|| {
            let found = one_line(&self.header.join(", "));
            self.problem(1, "header", format!("no column `{name}`; found {found}; add it"))
        })
    }

    /// All rows, blank lines left out.
    pub fn rows(&self) -> Result<Vec<Row>, DatasetError> {
        let mut rows = Vec::new();
        let mut records = self.reader();
        let mut record = csv::ByteRecord::new();
        let mut is_header = true;
        let (mut counted, mut line) = (0, 1);
        loop {
            let more =
                records.read_byte_record(&mut record).map_err(|error| self.problem(line, "row", error.to_string()))?;
            if !more {
                return Ok(rows);
            }
            // A record begins after the blank lines before it.
            let at = record.position().map_or(0, csv::Position::byte) as usize;
            let blank = self.bytes.iter().skip(at).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let new = self.bytes.get(counted..at + blank).unwrap_or_default();
            line += new.iter().filter(|byte| **byte == b'\n').count() as u64;
            counted = at + blank;
            if std::mem::take(&mut is_header) {
                continue;
            }
            let mut cells = Vec::with_capacity(record.len());
            for (at, cell) in record.iter().enumerate() {
                let name = self.header.get(at).map_or("row", String::as_str);
                let text = std::str::from_utf8(cell).map_err(|_| {
                    let text = one_line(&String::from_utf8_lossy(cell));
                    self.problem(line, name, format!("`{text}` is not UTF-8; save the table as UTF-8"))
                })?;
                cells.push(text.to_owned());
            }
            // Spreadsheets end rows with empty cells.
            while cells.len() > self.header.len() && cells.last().is_some_and(String::is_empty) {
                cells.pop();
            }
            if cells.len() != self.header.len() {
                let problem = format!(
                    "{} cells, expected {} ({}); put a cell that contains a separator into double quotes",
                    cells.len(),
                    self.header.len(),
                    one_line(&self.header.join(", "))
                );
                return Err(self.problem(line, "row", problem));
            }
            rows.push(Row { line, cells });
        }
    }

    /// An error of this table.
    pub fn problem(&self, line: u64, column: &str, problem: String) -> DatasetError {
        let place = match column {
            "header" | "row" => column.to_owned(),
            column => format!("column {}", one_line(column)),
        };
        DatasetError::Manifest { path: self.path.clone(), line, place, problem }
    }
}
