//! What the published implementations reached on the same files: measured with the authors' code @fcaa92f and
//! anomalib 2.7.0 (torch 2.15) on ResNet-18, image and pixel AUROC, AP and PRO@0.3; several seeds: mean (min-max).

/// One line of the table: how to run it, and the published numbers.
pub struct Row {
    /// Folder under `data/`.
    pub set: &'static str,
    /// Mode.
    pub mode: &'static str,
    /// Arguments for the view.
    pub view: &'static [&'static str],
    /// Whose pixels count: `input`, as the published codes measure, or `original`, the whole photo.
    pub geometry: &'static str,
    /// The view in words.
    pub shown: &'static str,
    /// Seeds to run.
    pub seeds: &'static [u64],
    /// Whose numbers these are.
    pub peer: &'static str,
    /// Image AUROC, image AP, pixel AUROC, pixel AP, PRO@0.3.
    pub published: [&'static str; 5],
    /// Per-image scores to compare the ranks with.
    pub scores: Option<&'static str>,
}

impl Row {
    /// Name for the filter.
    pub fn name(&self) -> String {
        format!("{} {} {}", self.set, self.mode, self.shown)
    }
}

const SEEDS: &[u64] = &[0, 1, 2];
const AUTHORS: &str = "authors' code";
const ANOMALIB: &str = "anomalib 2.7.0";
const NONE: &str = "no published row";

/// All rows.
pub const ROWS: &[Row] = &[
    Row {
        set: "bottle",
        mode: "authors",
        view: &["--resize", "256", "--crop", "224"],
        geometry: "input",
        shown: "resize 256, crop 224, 10 %",
        seeds: SEEDS,
        peer: AUTHORS,
        published: [
            "1.0000 (1.0000-1.0000)",
            "1.0000 (1.0000-1.0000)",
            "0.9791 (0.9789-0.9792)",
            "0.7495 (0.7485-0.7502)",
            "0.9343 (0.9339-0.9349)",
        ],
        scores: Some("scores_bottle.csv"),
    },
    Row {
        set: "bottle",
        mode: "authors",
        view: &["--resize", "256", "--crop", "224", "--coreset-sampling-ratio", "0.01"],
        geometry: "input",
        shown: "resize 256, crop 224, 1 %",
        seeds: SEEDS,
        peer: AUTHORS,
        published: [
            "0.9997 (0.9992-1.0000)",
            "0.9999 (0.9998-1.0000)",
            "0.9767 (0.9762-0.9774)",
            "0.7385 (0.7361-0.7416)",
            "0.9270 (0.9188-0.9322)",
        ],
        scores: None,
    },
    Row {
        set: "magnetic_tile",
        mode: "authors",
        view: &["--resize", "256", "--crop", "224"],
        geometry: "input",
        shown: "resize 256, crop 224, 10 %",
        seeds: SEEDS,
        peer: AUTHORS,
        published: [
            "0.8222 (0.8192-0.8267)",
            "0.8910 (0.8881-0.8939)",
            "0.8742 (0.8681-0.8789)",
            "0.3885 (0.3839-0.3919)",
            "0.8151 (0.8135-0.8168)",
        ],
        scores: Some("scores_magnetic_tile.csv"),
    },
    Row {
        set: "magnetic_tile",
        mode: "authors",
        view: &["--size", "256x256", "--crop", "224"],
        geometry: "input",
        shown: "256x256, crop 224, 10 %",
        seeds: SEEDS,
        peer: AUTHORS,
        published: [
            "0.8915 (0.8833-0.8983)",
            "0.9384 (0.9333-0.9429)",
            "0.8559 (0.8541-0.8572)",
            "0.3637 (0.3615-0.3655)",
            "0.7972 (0.7936-0.8032)",
        ],
        scores: None,
    },
    Row {
        set: "bottle",
        mode: "anomalib",
        view: &["--size", "256x256", "--crop", "224"],
        geometry: "input",
        shown: "256x256, crop 224, 10 %",
        seeds: SEEDS,
        peer: ANOMALIB,
        published: ["1.0000", "1.0000", "0.9789", "0.7463", "0.9202"],
        scores: None,
    },
    Row {
        set: "bottle",
        mode: "anomalib",
        view: &["--size", "256x256"],
        geometry: "input",
        shown: "256x256, no crop, 10 %",
        seeds: SEEDS,
        peer: ANOMALIB,
        published: ["1.0000", "1.0000", "0.9834", "0.7372", "0.9399"],
        scores: None,
    },
    Row {
        set: "magnetic_tile",
        mode: "anomalib",
        view: &["--size", "256x256", "--crop", "224"],
        geometry: "input",
        shown: "256x256, crop 224, 10 %",
        seeds: SEEDS,
        peer: ANOMALIB,
        published: ["0.8754", "0.9239", "0.8587", "0.4154", "0.7050"],
        scores: None,
    },
    Row {
        set: "magnetic_tile",
        mode: "anomalib",
        view: &["--size", "256x256"],
        geometry: "input",
        shown: "256x256, no crop, 10 %",
        seeds: SEEDS,
        peer: ANOMALIB,
        published: ["0.9163", "0.9444", "0.8358", "0.3736", "0.7160"],
        scores: None,
    },
    Row {
        set: "bottle",
        mode: "paper",
        view: &[],
        geometry: "input",
        shown: "short side 256, whole cells, no crop, 10 %",
        seeds: SEEDS,
        peer: NONE,
        published: [""; 5],
        scores: None,
    },
    Row {
        set: "magnetic_tile",
        mode: "paper",
        view: &[],
        geometry: "input",
        shown: "short side 256, whole cells, no crop, 10 %",
        seeds: SEEDS,
        peer: NONE,
        published: [""; 5],
        scores: None,
    },
    Row {
        set: "magnetic_tile",
        mode: "authors",
        view: &["--resize", "256", "--crop", "224"],
        geometry: "original",
        shown: "crop 224, pixels of the whole photo, 10 %",
        seeds: SEEDS,
        peer: NONE,
        published: [""; 5],
        scores: None,
    },
    Row {
        set: "magnetic_tile",
        mode: "authors",
        view: &["--resize", "256"],
        geometry: "original",
        shown: "no crop, pixels of the whole photo, 10 %",
        seeds: SEEDS,
        peer: NONE,
        published: [""; 5],
        scores: None,
    },
    Row {
        set: "magnetic_tile",
        mode: "authors",
        view: &["--resize", "256", "--pad-to-stride"],
        geometry: "original",
        shown: "no crop, padded to the stride, pixels of the whole photo, 10 %",
        seeds: SEEDS,
        peer: NONE,
        published: [""; 5],
        scores: None,
    },
];
