//! The rows of the report: what is measured, against whom, and what is wanted.

/// What a row's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Largest resident memory of the process after the measurements, in MiB.
    PeakMemory,
}

/// The tables of the page, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The backbone alone.
    Network,
    /// The backbone alone in int8 or bf16, limited to one instruction set: a table of its own, see [`super::reduced`].
    Reduced,
    /// Photographs in, results out, in int8 and f32.
    Line,
    /// The nearest rows of a bank.
    Search,
    /// The selection of a bank's rows.
    Coreset,
    /// Photographs in, results out.
    Whole,
    /// Metrics of maps.
    Metrics,
}

/// Every table.
pub const GROUPS: [Group; 7] =
    [Group::Network, Group::Reduced, Group::Line, Group::Search, Group::Coreset, Group::Whole, Group::Metrics];

impl Group {
    /// The head of its first column, with the unit.
    pub fn title(self) -> &'static str {
        match self {
            Group::Network => "network alone, 224 px, ms per photo",
            Group::Reduced => "network alone, 224 px, batch 1",
            Group::Line => "mode `line`, from a PNG file of 900x900 to score and map, ms per photo",
            Group::Search => "search for the nearest row of 784 queries (one photo), ms",
            Group::Coreset => "coreset, ms (peer: the first picks, multiplied)",
            Group::Whole => "the whole, on 2 threads",
            Group::Metrics => "metrics of 40 maps of 512x512, on 2 threads, ms",
        }
    }
}

/// Whom a row is measured against.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    /// As the tables call it.
    pub name: &'static str,
    /// What is started.
    pub program: PeerProgram,
    /// The row that it measures, where that is not the row's own.
    pub row: Option<String>,
    /// The least ratio that is wanted.
    pub target: f64,
}

/// What measures a peer's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerProgram {
    /// A script in `benches/peers`.
    Script(&'static str),
    /// Our own program, of another row.
    OurSide,
}

impl Peer {
    /// A script that measures the row as it is.
    fn script(name: &'static str, script: &'static str, target: f64) -> Self {
        Self { name, program: PeerProgram::Script(script), row: None, target }
    }
}

/// What is measured on our side, once, and by each peer, all in turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// In one sentence, with the unit.
    pub what: String,
    /// The table that it stands in.
    pub group: Group,
    /// As that table words it.
    pub label: String,
    /// As all sides know it.
    pub row: String,
    /// The peers.
    pub peers: Vec<Peer>,
    /// Threads of each side.
    pub threads: usize,
    /// Operations of the plain method in units of 10^9, where that says something.
    pub gflop: Option<f64>,
    /// What the numbers are.
    pub unit: Unit,
}

impl Row {
    /// What `--rows` filters by and the kept results are found by, for example `search/bottle/1024/7840/1 t1`.
    pub fn name(&self) -> String {
        let peak = if self.unit == Unit::PeakMemory { " peak" } else { "" };
        format!("{} t{}{peak}", self.row, self.threads)
    }
}

/// All rows, in the table's order.
pub fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    trunks(&mut rows);
    reduced(&mut rows);
    lines(&mut rows);
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
        ("resnet18", "ResNet-18", "to layer3", 2.81, 1.3, 1.15),
        ("resnet50", "ResNet-50", "to layer3 (random weights)", 6.56, 1.0, 1.0),
        ("wide_resnet50_2", "WideResNet-50-2", "to layer3 (random weights)", 18.4, 1.0, 1.0),
        ("efficientnet_lite0", "EfficientNet-Lite0", "to block 7", 0.31, 1.0, 1.0),
        ("resnext50_32x4d", "ResNeXt-50", "to layer3 (random weights)", 6.71, 1.0, 1.0),
        ("resnext101_32x8d", "ResNeXt-101", "to layer3 (random weights)", 29.4, 1.0, 1.0),
        // As torchvision has it: convolutions of the transitions before their pools.
        ("densenet121", "DenseNet-121", "to denseblock3 (random weights)", 5.4, 1.0, 1.0),
        ("densenet201", "DenseNet-201", "to denseblock3 (random weights)", 7.5, 1.0, 1.0),
    ];
    for (backbone, name, part, gflop, one, eight) in networks {
        for threads in [1, 2] {
            for (batch, target) in [(1, one), (8, eight)] {
                if batch == 8 && backbone != "resnet18" {
                    continue;
                }
                let size = format!("batch {batch}, {}", threads_in_words(threads));
                rows.push(Row {
                    what: format!("{name} {part}, 224 px, {size}, ms per image"),
                    group: Group::Network,
                    label: format!("{name} {part}, {size}"),
                    row: format!("trunk/{backbone}/{batch}"),
                    peers: vec![
                        Peer::script("onnxruntime", "onnxruntime_trunk.py", target),
                        Peer::script("OpenVINO", "openvino_trunk.py", 1.0),
                    ],
                    threads,
                    gflop: Some(gflop),
                    unit: Unit::Milliseconds,
                });
            }
        }
    }
}

/// The sets that OpenVINO can be held to, as we name them, and those of them that have products of bf16.
pub const REDUCED_SETS: [&str; 6] = ["avx2", "avx_vnni", "avx512", "avx512_vnni", "avx512_bf16", "amx"];
/// Our own f32, as the tables call it when it is the peer.
pub const OUR_F32: &str = "ours in f32";

/// int8 and bf16 on each set, against OpenVINO in the same on the same set, and against f32.
fn reduced(rows: &mut Vec<Row>) {
    for (backbone, name) in [
        ("resnet18", "ResNet-18"),
        ("resnet50", "ResNet-50"),
        ("wide_resnet50_2", "WideResNet-50-2"),
        ("efficientnet_lite0", "EfficientNet-Lite0"),
    ] {
        for set in REDUCED_SETS {
            for threads in [1, 2] {
                let mut push = |precision: &str, openvino: &'static str, targets: [f64; 2]| {
                    let of = |precision: &str| format!("reduced/{backbone}/{set}/{precision}");
                    let [same, ours] = targets;
                    let script = PeerProgram::Script("openvino_reduced.py");
                    let f32_row = Some(of("f32"));
                    let label = format!("{name}, {precision}, {set}, {}", threads_in_words(threads));
                    rows.push(Row {
                        what: format!("network of reduced precision, {label}, 224 px, batch 1, ms per image"),
                        group: Group::Reduced,
                        label,
                        row: of(precision),
                        peers: vec![
                            Peer { name: openvino, program: script, row: None, target: same },
                            Peer { name: OUR_F32, program: PeerProgram::OurSide, row: f32_row.clone(), target: ours },
                            Peer { name: "OpenVINO f32", program: script, row: f32_row, target: 1.0 },
                        ],
                        threads,
                        gflop: None,
                        unit: Unit::Milliseconds,
                    });
                };
                // What bf16 needs has the products of 8 bits, too: int8 is the same there as with `avx512_vnni`.
                if set != "avx512_bf16" {
                    let openvino = if backbone == "efficientnet_lite0" { 1.0 } else { 0.9 };
                    push("int8", "OpenVINO int8", [openvino, int8_against_f32(backbone, set)]);
                }
                if matches!(set, "avx512_bf16" | "amx") {
                    push("bf16", "OpenVINO bf16", [0.9, bf16_against_f32(backbone, set)]);
                }
            }
        }
    }
}

/// How many times as fast as our f32 int8 is wanted to be. Where nothing was set, not slower.
fn int8_against_f32(backbone: &str, set: &str) -> f64 {
    match (set, backbone) {
        ("avx_vnni" | "avx512_vnni", "resnet18") => 1.8,
        ("avx_vnni" | "avx512_vnni", "efficientnet_lite0") => 1.5,
        ("avx_vnni" | "avx512_vnni", _) => 3.0,
        ("amx", "resnet18") => 4.0,
        ("amx", "wide_resnet50_2") => 7.0,
        _ => 1.0,
    }
}

fn bf16_against_f32(backbone: &str, set: &str) -> f64 {
    match (set, backbone) {
        ("amx", "resnet18") => 2.5,
        ("amx", "wide_resnet50_2") => 4.0,
        _ => 1.0,
    }
}

/// The whole program before and after: a model in int8 against the same one in f32.
fn lines(rows: &mut Vec<Row>) {
    for (backbone, name) in [
        ("wide_resnet50_2", "WideResNet-50-2 (random weights)"),
        ("resnet50", "ResNet-50 (random weights)"),
        ("resnet18", "ResNet-18"),
        ("efficientnet_lite0", "EfficientNet-Lite0"),
    ] {
        for threads in [1, 2] {
            let label = format!("{name} in int8, {}", threads_in_words(threads));
            let f32_row = Some(format!("line/{backbone}/f32"));
            rows.push(Row {
                what: format!(
                    "mode line with a network of reduced precision, file to score and map, {label}, ms per image"
                ),
                group: Group::Line,
                label,
                row: format!("line/{backbone}/int8"),
                peers: vec![Peer { name: OUR_F32, program: PeerProgram::OurSide, row: f32_row, target: 1.0 }],
                threads,
                gflop: None,
                unit: Unit::Milliseconds,
            });
        }
    }
}

fn searches(rows: &mut Vec<Row>) {
    // A bank of 784 rows: no slower than the peer, twice as fast where few rows are near.
    let cases = [
        ("bottle", 1024, 784, 1.5),
        ("bottle", 1024, 7_840, 6.0),
        ("bottle", 1024, 19_600, 6.0),
        ("magnetic_tile", 1024, 784, 1.0),
        ("magnetic_tile", 1024, 7_840, 4.0),
        ("magnetic_tile", 1024, 19_600, 4.0),
        ("bottle", 384, 7_840, 6.0),
        ("magnetic_tile", 384, 7_840, 4.0),
    ];
    let mut push = |data: &str, dim: usize, bank: usize, k: usize, threads: usize, target: f64| {
        let asked = if k == 1 { "784 queries, nearest".to_owned() } else { format!("1 query, k = {k}") };
        let label_asked = if k == 1 { String::new() } else { format!("{asked}, ") };
        let queries = if k == 1 { 784 } else { 1 };
        let (of, threads_said) = (format!("{data}, {dim}-d, M = {bank}"), threads_in_words(threads));
        rows.push(Row {
            what: format!("search {of}, {asked}, {threads_said}, ms"),
            group: Group::Search,
            label: format!("{of}, {label_asked}{threads_said}"),
            row: format!("search/{data}/{dim}/{bank}/{k}"),
            peers: vec![Peer::script("faiss IndexFlatL2", "faiss_search.py", target)],
            threads,
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
    push("bottle", 1024, 7_840, 9, 1, 6.0);
    push("magnetic_tile", 384, 7_840, 9, 1, 4.0);
}

fn coresets(rows: &mut Vec<Row>) {
    for (patches, picks, threads) in [(78_400, 7_840, 1), (78_400, 7_840, 2), (596_624, 5_966, 2)] {
        let label = format!("{picks} of {patches} x 128, {}", threads_in_words(threads));
        rows.push(Row {
            what: format!("coreset, {label}, ms (peer: the first picks, multiplied)"),
            group: Group::Coreset,
            label,
            row: format!("coreset/{patches}/{picks}"),
            peers: vec![Peer::script("the authors' loop", "authors.py", 60.0)],
            threads,
            gflop: Some(2.0 * patches as f64 * picks as f64 * 128.0 / 1e9),
            unit: Unit::Milliseconds,
        });
    }
}

fn whole(rows: &mut Vec<Row>) {
    let authors = |target| Peer::script("the authors' code", "authors.py", target);
    let anomalib = Peer::script("anomalib", "anomalib_score.py", 6.0);
    for (what, label, row, peer, unit) in [
        (
            "scoring, pixels of 900x900 to score and map, mode authors, 10 % of 100 images, ms per image",
            "scoring: pixels of 900x900 to score and map, mode authors, 10 % of 100 photos, ms per photo",
            "score/authors",
            authors(6.0),
            Unit::Milliseconds,
        ),
        (
            "scoring, pixels of 900x900 to score and map, mode anomalib, 10 % of 100 images, ms per image",
            "the same, mode anomalib",
            "score/anomalib",
            anomalib,
            Unit::Milliseconds,
        ),
        (
            "peak memory of the process that scores, mode authors, MiB",
            "peak memory of the process that scores, mode authors, MiB",
            "score/authors",
            authors(5.0),
            Unit::PeakMemory,
        ),
        (
            "fit, 100 PNG files of 900x900, 10 %, to the saved model, ms (peer: the first picks, multiplied)",
            "fit: 100 PNG files of 900x900, 10 %, to the saved model, ms (peer: the first picks, multiplied)",
            "fit/authors",
            authors(15.0),
            Unit::Milliseconds,
        ),
    ] {
        rows.push(Row {
            what: format!("{what}, 2 threads"),
            group: Group::Whole,
            label: label.to_owned(),
            row: row.to_owned(),
            peers: vec![peer],
            threads: 2,
            gflop: None,
            unit,
        });
    }
}

fn metrics(rows: &mut Vec<Row>) {
    for (label, row) in [("AUPIMO", "metrics/aupimo"), ("AUROC, AP, AUPRO 0.05 and 0.3, AUPIMO", "metrics/all")] {
        rows.push(Row {
            what: format!("{label} of 40 maps of 512x512, ms, 2 threads"),
            group: Group::Metrics,
            label: label.to_owned(),
            row: row.to_owned(),
            peers: vec![Peer::script("anomalib", "anomalib_metrics.py", 1.0)],
            threads: 2,
            gflop: None,
            unit: Unit::Milliseconds,
        });
    }
}
