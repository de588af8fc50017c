//! The rows of the report: what is measured, against whom, and what is wanted.

/// What a row's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Largest resident memory of the process after the measurements, in MiB.
    PeakMemory,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As the table words it.
    pub what: String,
    /// As both sides know it.
    pub row: String,
    /// The peer's script in `benches/peers`.
    pub script: &'static str,
    /// The peer, as the table words it.
    pub peer: &'static str,
    /// Threads of each side.
    pub threads: usize,
    /// The least ratio that is wanted; none where the issue names none.
    pub target: Option<f64>,
    /// Operations of the plain method in units of 10^9, where that says something.
    pub gflop: Option<f64>,
    /// What the numbers are.
    pub unit: Unit,
}

impl Row {
    /// What `--rows` filters by, for example `search/bottle/1024/7840/1 t1`.
    pub fn name(&self) -> String {
        let peak = if self.unit == Unit::PeakMemory { " peak" } else { "" };
        format!("{} t{}{peak}", self.row, self.threads)
    }
}

/// All rows, in the table's order.
pub fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    trunks(&mut rows);
    searches(&mut rows);
    coresets(&mut rows);
    whole(&mut rows);
    metrics(&mut rows);
    rows
}

fn threads_in_words(threads: usize) -> &'static str {
    if threads == 1 { "1 thread" } else { "2 threads" }
}

fn trunks(rows: &mut Vec<Row>) {
    let networks = [
        ("resnet18", "ResNet-18 to layer3", 2.81, 1.3, 1.15),
        ("resnet50", "ResNet-50 to layer3 (random weights)", 6.56, 1.0, 1.0),
        ("wide_resnet50_2", "WideResNet-50-2 to layer3 (random weights)", 18.4, 1.0, 1.0),
        ("efficientnet_lite0", "EfficientNet-Lite0 to block 7", 0.31, 1.0, 1.0),
    ];
    for (backbone, name, gflop, one, eight) in networks {
        for threads in [1, 2] {
            for (batch, target) in [(1, one), (8, eight)] {
                if batch == 8 && backbone != "resnet18" {
                    continue;
                }
                rows.push(Row {
                    what: format!("{name}, 224 px, batch {batch}, {}, ms per image", threads_in_words(threads)),
                    row: format!("trunk/{backbone}/{batch}"),
                    script: "onnxruntime_trunk.py",
                    peer: "onnxruntime",
                    threads,
                    target: Some(target),
                    gflop: Some(gflop),
                    unit: Unit::Milliseconds,
                });
            }
        }
    }
}

fn searches(rows: &mut Vec<Row>) {
    let cases = [
        ("bottle", 1024, 784, Some(1.5)),
        ("bottle", 1024, 7_840, Some(8.0)),
        ("bottle", 1024, 19_600, Some(8.0)),
        ("magnetic_tile", 1024, 784, None),
        ("magnetic_tile", 1024, 7_840, Some(4.0)),
        ("magnetic_tile", 1024, 19_600, Some(4.0)),
        ("bottle", 384, 7_840, Some(5.0)),
        ("magnetic_tile", 384, 7_840, Some(5.0)),
    ];
    let mut push = |data: &str, dim: usize, bank: usize, k: usize, threads: usize, target| {
        let asked = if k == 1 { "784 queries, nearest".to_owned() } else { format!("1 query, k = {k}") };
        let queries = if k == 1 { 784 } else { 1 };
        rows.push(Row {
            what: format!("search {data}, {dim}-d, M = {bank}, {asked}, {}, ms", threads_in_words(threads)),
            row: format!("search/{data}/{dim}/{bank}/{k}"),
            script: "faiss_search.py",
            peer: "faiss IndexFlatL2",
            threads,
            target,
            gflop: (k == 1).then_some((2 * queries * bank * dim) as f64 / 1e9),
            unit: Unit::Milliseconds,
        });
    };
    for (data, dim, bank, target) in cases {
        push(data, dim, bank, 1, 1, target);
        if dim == 1024 && bank == 7_840 {
            push(data, dim, bank, 1, 2, target);
        }
    }
    push("bottle", 1024, 7_840, 9, 1, Some(5.0));
    push("magnetic_tile", 384, 7_840, 9, 1, Some(5.0));
}

fn coresets(rows: &mut Vec<Row>) {
    for (patches, picks, threads) in [(78_400, 7_840, 1), (78_400, 7_840, 2), (596_624, 5_966, 2)] {
        rows.push(Row {
            what: format!(
                "coreset, {picks} of {patches} x 128, {}, ms (peer: the first picks, multiplied)",
                threads_in_words(threads)
            ),
            row: format!("coreset/{patches}/{picks}"),
            script: "authors.py",
            peer: "the authors' loop",
            threads,
            target: Some(50.0),
            gflop: Some(2.0 * patches as f64 * picks as f64 * 128.0 / 1e9),
            unit: Unit::Milliseconds,
        });
    }
}

fn whole(rows: &mut Vec<Row>) {
    let milliseconds = Unit::Milliseconds;
    for (what, row, script, peer, target, unit) in [
        (
            "scoring, pixels of 900x900 to score and map, mode authors, 10 % of 100 images, ms per image",
            "score/authors",
            "authors.py",
            "the authors' code",
            5.0,
            milliseconds,
        ),
        (
            "scoring, pixels of 900x900 to score and map, mode anomalib, 10 % of 100 images, ms per image",
            "score/anomalib",
            "anomalib_score.py",
            "anomalib",
            3.5,
            milliseconds,
        ),
        (
            "peak memory of the process that scores, mode authors, MiB",
            "score/authors",
            "authors.py",
            "the authors' code",
            5.0,
            Unit::PeakMemory,
        ),
        (
            "fit, 100 PNG files of 900x900, 10 %, to the saved model, ms (peer: the first picks, multiplied)",
            "fit/authors",
            "authors.py",
            "the authors' code",
            15.0,
            milliseconds,
        ),
    ] {
        rows.push(Row {
            what: format!("{what}, 2 threads"),
            row: row.to_owned(),
            script,
            peer,
            threads: 2,
            target: Some(target),
            gflop: None,
            unit,
        });
    }
}

fn metrics(rows: &mut Vec<Row>) {
    for (what, row) in [
        ("AUPIMO of 40 maps of 512x512, ms", "metrics/aupimo"),
        ("AUROC, AP, AUPRO 0.05 and 0.3, AUPIMO of 40 maps of 512x512, ms", "metrics/all"),
    ] {
        rows.push(Row {
            what: format!("{what}, 2 threads"),
            row: row.to_owned(),
            script: "anomalib_metrics.py",
            peer: "anomalib",
            threads: 2,
            target: None,
            gflop: None,
            unit: Unit::Milliseconds,
        });
    }
}
