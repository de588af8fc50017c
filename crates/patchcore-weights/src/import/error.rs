//! What can be wrong with a weights file: one error type for every reader and for the search of the file.

use std::path::PathBuf;

use patchcore_config::Architecture;
use patchcore_config::backbone::WeightsSource;

/// Why a backbone's weights could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file does not exist.
    #[error("weights file {path} for {backbone} does not exist: {}", remedy(.backbone))]
    FileMissing {
        /// The path that was asked for.
        path: PathBuf,
        /// The backbone it should have held.
        backbone: String,
    },
    /// No weights of this backbone are installed or embedded.
    #[error("no weights for {backbone}, looked for {looked}: {}", remedy(.backbone))]
    NotInstalled {
        /// The backbone that was asked for.
        backbone: String,
        /// The places that were looked at.
        looked: String,
    },
    /// The file could not be read.
    #[error("cannot read weights file {path}: {source}")]
    Read {
        /// The path that was asked for.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is larger than any supported backbone.
    #[error("weights file {file} has {bytes} bytes, more than the limit of {limit}: this is not a supported backbone")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size in bytes.
        bytes: u64,
        /// The largest accepted size in bytes.
        limit: u64,
    },
    /// The file is not the one that was installed.
    #[error(
        "{file} has sha256 {found}, but its manifest says {expected}: the file was altered, run `patchcore \
         weights fetch {backbone} --force`"
    )]
    Digest {
        /// The file.
        file: String,
        /// The backbone that was asked for.
        backbone: String,
        /// The manifest's digest.
        expected: String,
        /// The file's digest.
        found: String,
    },
    /// The file name's extension names no format that is read here.
    #[error("weights file {path} has an unknown extension, expected .onnx or .safetensors{remedy}")]
    UnknownFormat {
        /// The path that was asked for.
        path: PathBuf,
        /// What to do, with its separator.
        remedy: String,
    },
    /// The bytes are no ONNX model at all.
    #[error("{file} is not an ONNX file: {detail}")]
    NotOnnx {
        /// The file.
        file: String,
        /// What was found instead.
        detail: String,
    },
    /// The bytes are no safetensors file.
    #[error("{file} is not a readable safetensors file: {detail}")]
    NotSafetensors {
        /// The file.
        file: String,
        /// What was found instead.
        detail: String,
    },
    /// The file begins as it should but ends too early.
    #[error("{file} is truncated: {detail} at byte {offset}; fetch or copy the file again")]
    Truncated {
        /// The file.
        file: String,
        /// Position of the field that does not fit, in bytes from the start of the file.
        offset: usize,
        /// What was being read.
        detail: String,
    },
    /// The file breaks the rules of its format.
    #[error("{file} is damaged: {detail} at byte {offset}; fetch or copy the file again")]
    Malformed {
        /// The file.
        file: String,
        /// Position of the offending field, in bytes from the start of the file.
        offset: usize,
        /// What is wrong.
        detail: String,
    },
    /// The tensor's values are in another file.
    #[error(
        "{file} keeps the values of `{tensor}` in an external file, which is not read: export again with the weights \
         inside (torch.onnx.export(..., external_data=False))"
    )]
    ExternalData {
        /// The file.
        file: String,
        /// The first tensor whose values are elsewhere.
        tensor: String,
    },
    /// A tensor that the backbone needs is not in the file.
    #[error("{file} has no `{tensor}`, which {backbone} needs with shape {expected:?}{hint}")]
    TensorMissing {
        /// The file.
        file: String,
        /// torchvision's name of the tensor.
        tensor: String,
        /// The backbone that was asked for.
        backbone: Box<str>,
        /// The shape it should have.
        expected: Box<[usize]>,
        /// Which architecture the file looks like, with its separator; empty when unknown.
        hint: Box<str>,
    },
    /// A tensor has another shape than the backbone's.
    #[error("`{tensor}` in {file} has shape {found:?}, but {backbone} needs {expected:?}{hint}")]
    Shape {
        /// The file.
        file: String,
        /// torchvision's name of the tensor.
        tensor: String,
        /// The backbone that was asked for.
        backbone: Box<str>,
        /// The shape it should have.
        expected: Box<[usize]>,
        /// The shape it has.
        found: Box<[u64]>,
        /// Which architecture the file looks like, with its separator; empty when unknown.
        hint: Box<str>,
    },
    /// The file has layers that the backbone has not.
    #[error("{file} has `{tensor}`, which {backbone} has not{hint}")]
    UnexpectedTensor {
        /// The file.
        file: String,
        /// The first name that does not belong.
        tensor: String,
        /// The backbone that was asked for.
        backbone: Box<str>,
        /// Which architecture the file looks like, with its separator; empty when unknown.
        hint: Box<str>,
    },
    /// A tensor's element type is not a floating-point type.
    #[error(
        "`{tensor}` in {file} has element type {found}, expected f32, f16, bf16 or f64: export without quantisation"
    )]
    Dtype {
        /// The file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// The element type that was found.
        found: String,
    },
    /// A tensor's values do not fill its shape.
    #[error("`{tensor}` in {file} has {found} values, but its shape {shape:?} needs {expected}")]
    ValueCount {
        /// The file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// The shape it declares.
        shape: Vec<u64>,
        /// Number of values of that shape.
        expected: usize,
        /// Number of values that are there.
        found: usize,
    },
    /// A weight is NaN or infinite.
    #[error(
        "`{tensor}` in {file} has the value {value} at index {index}, expected finite numbers: the file is damaged"
    )]
    NotFinite {
        /// The file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// Position in row-major order.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A convolution computes something else than the backbone's, although its weights have the right shape.
    #[error(
        "`{layer}` in {file} has {attribute} {found:?}, but {backbone} needs {expected:?}: this is another variant of \
         the network, use torchvision's"
    )]
    Layer {
        /// The file.
        file: String,
        /// torchvision's name of the layer.
        layer: String,
        /// The backbone that was asked for.
        backbone: Box<str>,
        /// The attribute that differs, for example `strides`.
        attribute: &'static str,
        /// The value it should have.
        expected: Box<[i64]>,
        /// The value it has.
        found: Box<[i64]>,
    },
    /// Neither names nor the graph's shape say which layer is which.
    #[error("cannot recognise {backbone} in {file}: {detail}; export torchvision's model with torch.onnx.export")]
    Unrecognised {
        /// The file.
        file: String,
        /// The backbone that was asked for.
        backbone: String,
        /// Where the graph stops looking like it.
        detail: String,
    },
    /// Tensors cannot be written.
    #[error("cannot write the tensors as safetensors: {detail}")]
    Encode {
        /// What is wrong with them.
        detail: String,
    },
    /// No such backbone.
    #[error("unknown backbone `{name}`, known are {known}")]
    UnknownBackbone {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl WeightsError {
    /// None of `files` is there.
    pub(crate) fn not_installed(backbone: &str, files: &[PathBuf]) -> Self {
        let looked: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
        Self::NotInstalled { backbone: backbone.into(), looked: looked.join(" and ") }
    }
}

/// How to come by the weights of `backbone`.
fn remedy(backbone: &str) -> String {
    let network = Architecture::from_name(backbone).ok().map(Architecture::entry);
    match network.map(|network| (network.weights, network.embed_feature())) {
        // It has no entry in the registry: it ships with the code.
        Some((WeightsSource::Shipped { .. }, Some(feature))) => {
            format!(
                "build with the feature `{feature}`, or give a file of them: the repository's \
                 assets/{backbone}.safetensors"
            )
        }
        Some((WeightsSource::Published { .. }, _)) => {
            format!("run `patchcore weights fetch {backbone}`, or give a file of them")
        }
        _ => "give a safetensors file of your own".into(),
    }
}
