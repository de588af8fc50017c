//! The rows of a manifest in a Parquet file; only the columns that are read are decoded.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;
use patchcore::{ManifestRow, one_line};

/// All rows, numbered from 1.
pub fn read(path: &Path) -> anyhow::Result<Vec<ManifestRow>> {
    let failed = || format!("cannot read {} as Parquet: save it with compression snappy, gzip or none", path.display());
    let file = File::open(path).with_context(failed)?;
    let reader = SerializedFileReader::new(file).with_context(failed)?;
    let schema = reader.metadata().file_metadata().schema();
    let wanted = |field: &&Arc<Type>| ManifestRow::COLUMNS.iter().any(|name| field.name().eq_ignore_ascii_case(name));
    let fields: Vec<Arc<Type>> = schema.get_fields().iter().filter(wanted).cloned().collect();
    let has = |name: &str| fields.iter().any(|field| field.name().eq_ignore_ascii_case(name));
    let [image_path, others @ ..] = ManifestRow::COLUMNS;
    if !has(image_path) {
        let found: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
        anyhow::bail!("{}: no column `{image_path}`; found {}; add it", path.display(), one_line(&found.join(", ")));
    }
    let projection =
        Type::group_type_builder(schema.name()).with_fields(fields.clone()).build().with_context(failed)?;
    let mut rows = Vec::new();
    for (row, number) in reader.get_row_iter(Some(projection)).with_context(failed)?.zip(1..) {
        let row = row.with_context(failed)?;
        let cell = |name: &str| -> anyhow::Result<Option<String>> {
            let Some((_, field)) = row.get_column_iter().find(|(column, _)| column.eq_ignore_ascii_case(name)) else {
                return Ok(None);
            };
            let text = text(field);
            text.map(Some).with_context(|| {
                format!("{}, row {number}, column {name}: expected text or a whole number", path.display())
            })
        };
        let image = cell(image_path)?.unwrap_or_default();
        let [label, mask_path, split, product] = others.map(cell);
        rows.push(ManifestRow::new(number, image, [label?, mask_path?, split?, product?]));
    }
    Ok(rows)
}

/// A cell as a table in text has it; empty where there is no value.
fn text(field: &Field) -> Option<String> {
    Some(match field {
        Field::Null => String::new(),
        Field::Str(text) => text.trim().to_owned(),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).ok()?.trim().to_owned(),
        Field::Byte(number) => number.to_string(),
        Field::Short(number) => number.to_string(),
        Field::Int(number) => number.to_string(),
        Field::Long(number) => number.to_string(),
        Field::UByte(number) => number.to_string(),
        Field::UShort(number) => number.to_string(),
        Field::UInt(number) => number.to_string(),
        Field::ULong(number) => number.to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use patchcore::DataSet;

    use super::*;

    /// Writes three photos; `with` writes the other columns.
    fn table(schema: &str, labels: &[i64]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("photos.parquet");
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut writer = SerializedFileWriter::new(File::create(&path).unwrap(), schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let texts = |names: [&str; 3]| names.map(|name| ByteArray::from(name.as_bytes().to_vec()));
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&texts(["a.png", "b.png", "c.png"]), None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(labels, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        // The second cell has no value.
        let splits = [ByteArray::from("train"), ByteArray::from("test")];
        column.typed::<ByteArrayType>().write_batch(&splits, Some(&[1, 0, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[0.5, 0.5, 0.5], None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        (dir, path)
    }

    const SCHEMA: &str = "message schema { REQUIRED BYTE_ARRAY Image_Path (UTF8); REQUIRED INT64 label; \
                          OPTIONAL BYTE_ARRAY split (UTF8); REQUIRED DOUBLE exposure; }";

    #[test]
    fn rows_have_the_cells_of_the_table() {
        let (dir, path) = table(SCHEMA, &[0, 0, 7]);
        let row = |line, name: &str, label: &str, split: &str| {
            let text = |text: &str| Some(text.to_owned());
            ManifestRow::new(line, name.to_owned(), [text(label), None, text(split), None])
        };
        let expected = [row(1, "a.png", "0", "train"), row(2, "b.png", "0", ""), row(3, "c.png", "7", "test")];
        assert_eq!(read(&path).unwrap(), expected);
        let error = crate::data::read(&path).unwrap_err().to_string();
        assert!(error.contains("line 2, column split: `` is no split"), "{error}");
        let rows = expected.into_iter().filter(|row| row.line != 2);
        let set = DataSet::of_manifest(&path, rows, None).unwrap();
        assert_eq!((set.train, set.test[0].kind.as_str()), (vec![dir.path().join("a.png")], "7"));
    }

    #[test]
    fn what_is_no_such_table_is_told() {
        let (_dir, path) = table(&SCHEMA.replace("Image_Path", "file"), &[0, 0, 0]);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("no column `image_path`; found file, label, split, exposure"), "{error}");
        let (_dir, path) = table(&SCHEMA.replace("exposure", "product"), &[0, 0, 0]);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("row 1, column product: expected text or a whole number"), "{error}");
        std::fs::write(&path, "no table").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("as Parquet"));
    }
}
