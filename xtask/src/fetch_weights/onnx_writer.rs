//! Writes a trunk as ONNX: the graph that onnxruntime can run, and the tensors under torchvision's names.
//!
//! Input `image` [n, 3, h, w] (any extents), outputs `layer1` ... of the layers that are written. Protobuf by hand:
//! the file needs five messages of `onnx.proto`.

use patchcore_weights::{Architecture, Block, ConvSpec, FoldedTensors};

const VARINT: u64 = 0;
const BYTES: u64 = 2;
const IR_VERSION: u64 = 8;
const OPSET: u64 = 17;
const FLOAT: u64 = 1;
/// Type of an attribute that is a list of integers.
const INTS: u64 = 7;

/// A protobuf message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(mut self, field: u8, value: u64) -> Self {
        self.varint(u64::from(field) << 3 | VARINT);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u8, bytes: &[u8]) -> Self {
        self.varint(u64::from(field) << 3 | BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, field: u8, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u8, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }
}

/// The graph under construction.
struct Graph<'a> {
    message: Message,
    specs: &'a [ConvSpec],
}

impl Graph<'_> {
    /// Adds an operation with lists of integers as attributes.
    fn node(&mut self, op: &str, inputs: &[&str], output: &str, ints: &[(&str, Vec<u64>)]) {
        let mut node = Message::default();
        for input in inputs {
            node = node.text(1, input);
        }
        node = node.text(2, output).text(3, output).text(4, op);
        for (name, values) in ints {
            let mut attribute = Message::default().text(1, name);
            for value in values {
                attribute = attribute.number(8, *value);
            }
            node = node.message(5, &attribute.number(20, INTS));
        }
        self.message = std::mem::take(&mut self.message).message(1, &node);
    }

    /// Adds the convolution called `name`; gives the name of its output.
    fn conv(&mut self, name: &str, input: &str) -> String {
        let Some(spec) = self.specs.iter().find(|spec| spec.name == name) else { return String::new() };
        let [_, _, kernel, _] = spec.shape;
        let attributes = [
            ("kernel_shape", vec![kernel as u64; 2]),
            ("strides", vec![spec.stride as u64; 2]),
            ("pads", vec![spec.padding() as u64; 4]),
        ];
        let output = format!("{name}.out");
        self.node("Conv", &[input, &format!("{name}.weight"), &format!("{name}.bias")], &output, &attributes);
        output
    }
}

/// The bytes of an ONNX file of `architecture` up to the last of its layers that `tensors` holds.
pub fn write_onnx(architecture: &Architecture, tensors: &FoldedTensors) -> Vec<u8> {
    let specs: Vec<ConvSpec> = architecture
        .convolutions()
        .into_iter()
        .filter(|spec| tensors.contains_key(&format!("{}.weight", spec.name)))
        .collect();
    let last = specs.iter().map(|spec| spec.stage).max().unwrap_or_default();
    let mut graph = Graph { message: Message::default(), specs: &specs };
    let stem = graph.conv("conv1", "image");
    graph.node("Relu", &[&stem], "relu.out", &[]);
    let pool = [("kernel_shape", vec![3; 2]), ("strides", vec![2; 2]), ("pads", vec![1; 4])];
    graph.node("MaxPool", &["relu.out"], "maxpool.out", &pool);
    let mut value = "maxpool.out".to_owned();
    let leaves: &[&str] = match architecture.block {
        Block::Basic => &["conv1", "conv2"],
        Block::Bottleneck => &["conv1", "conv2", "conv3"],
    };
    for (stage, &blocks) in (1..=last).zip(&architecture.blocks) {
        for block in 0..blocks {
            let place = format!("layer{stage}.{block}");
            let mut main = value.clone();
            for (index, leaf) in leaves.iter().enumerate() {
                main = graph.conv(&format!("{place}.{leaf}"), &main);
                if index + 1 < leaves.len() {
                    let activated = format!("{place}.{leaf}.relu");
                    graph.node("Relu", &[&main], &activated, &[]);
                    main = activated;
                }
            }
            let downsample = format!("{place}.downsample.0");
            let has_downsample = specs.iter().any(|spec| spec.name == downsample);
            let shortcut = if has_downsample { graph.conv(&downsample, &value) } else { value };
            let sum = format!("{place}.sum");
            graph.node("Add", &[&main, &shortcut], &sum, &[]);
            value = if block + 1 == blocks { format!("layer{stage}") } else { format!("{place}.out") };
            graph.node("Relu", &[&sum], &value, &[]);
        }
    }
    let mut graph = graph.message.text(2, architecture.name);
    for (name, tensor) in tensors {
        let mut message = Message::default();
        for extent in &tensor.shape {
            message = message.number(1, *extent as u64);
        }
        let raw: Vec<u8> = tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect();
        graph = graph.message(5, &message.number(2, FLOAT).text(8, name).bytes(9, &raw));
    }
    graph = graph.message(11, &value_info("image", 3));
    for (stage, doubling) in (1..=last).zip([1, 2, 4, 8]) {
        let expansion = if architecture.block == Block::Bottleneck { 4 } else { 1 };
        let channels = architecture.stem_width * doubling * expansion;
        graph = graph.message(12, &value_info(&format!("layer{stage}"), channels));
    }
    let opset = Message::default().text(1, "").number(2, OPSET);
    let producer = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    Message::default()
        .number(1, IR_VERSION)
        .text(2, &format!("patchcore {}", producer.0))
        .text(3, producer.1)
        .message(7, &graph)
        .message(8, &opset)
        .0
}

/// A float value `[n, channels, height, width]` of which only the channels are fixed.
fn value_info(name: &str, channels: usize) -> Message {
    let free = |axis: &str| Message::default().text(2, &format!("{name}_{axis}"));
    let shape = Message::default()
        .message(1, &Message::default().text(2, "n"))
        .message(1, &Message::default().number(1, channels as u64))
        .message(1, &free("height"))
        .message(1, &free("width"));
    let tensor = Message::default().number(1, FLOAT).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}
