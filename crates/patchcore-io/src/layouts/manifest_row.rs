//! One photo of a manifest.

/// A row of a manifest, from whatever table it comes: `None` where the table has no such column, an empty text where the cell is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestRow {
    /// The row's line in the table, from 1, the header included: errors name it.
    pub line: u64,
    /// The photo, from the manifest's folder.
    pub image_path: String,
    /// `good`, `ok`, `normal` (any case) or `0` for a photo of a good part, else the kind of defect.
    pub label: Option<String>,
    /// The truth mask of a defective photo, or the folder of its masks; from the manifest's folder.
    pub mask_path: Option<String>,
    /// `train`, `validation` or `test`.
    pub split: Option<String>,
    /// What the photo shows: a model learns one product.
    pub product: Option<String>,
}

impl ManifestRow {
    /// Names of the columns; the first must be there.
    pub const COLUMNS: [&'static str; 5] = ["image_path", "label", "mask_path", "split", "product"];

    /// A row from its cells, in the order of [`ManifestRow::COLUMNS`].
    #[must_use]
    pub fn new(line: u64, image_path: String, others: [Option<String>; 4]) -> ManifestRow {
        let [label, mask_path, split, product] = others;
        ManifestRow { line, image_path, label, mask_path, split, product }
    }
}
