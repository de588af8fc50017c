//! What a device check finds: the lines that its processes write, and the file that it makes of them.

use patchcore::Precision;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line of a process's output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Devices of a backend, as `devices --format json` lists them.
    Devices(Vec<Value>),
    /// What `doctor` found.
    Examination(Value),
    /// Scores against recorded ones.
    Answers(Answers),
    /// A fit.
    Fit(Fit),
    /// Time of a stage.
    Stage(StageTime),
    /// Photos per second.
    Throughput(Throughput),
    /// Something is wrong with the numbers, and what.
    Differs(String),
    /// The most memory that the process has had, in bytes.
    HostMemory(u64),
}

/// Scores of a recorded model on a device, against the CPU's recorded ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answers {
    /// The model's mode.
    pub model: String,
    /// Photos that were scored.
    pub photos: usize,
    /// Largest difference of a score, as a share of the recorded one.
    pub score_difference: f64,
    /// Largest difference of a map's largest value, likewise.
    pub map_difference: f64,
    /// Largest difference allowed in this precision.
    pub allowed: f64,
    /// Photos whose worst patch is another one.
    pub other_worst_patch: usize,
    /// How far the model's own pictures are off: the larger of scores and maps.
    pub drift: f64,
    /// Photos that could not be scored.
    pub failed: usize,
}

/// A fit on a device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fit {
    /// The mode.
    pub model: String,
    /// Photos of the fit.
    pub photos: usize,
    /// Seconds, of the second of two fits: the first compiles kernels.
    pub seconds: f64,
    /// Seconds of the first.
    pub first_seconds: f64,
    /// Rows of each bank.
    pub bank_rows: Vec<usize>,
    /// Median difference of its scores from the CPU's model's, as a share of those. Rounding may pick other rows.
    pub median_difference: f64,
}

/// Time of a stage.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageTime {
    /// Its name.
    pub stage: String,
    /// Its size in words.
    pub size: String,
    /// The first time, which compiles kernels, in milliseconds.
    pub first_ms: f64,
    /// Median of the others.
    pub median_ms: f64,
    /// How many those are.
    pub runs: usize,
    /// Multiplications with an addition.
    pub multiply_adds: u64,
    /// Bytes moved at the least, in f32.
    pub bytes: u64,
}

/// Photos per second.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Throughput {
    /// The model's mode.
    pub model: String,
    /// `network to map` of prepared photos, or `whole program`: files in, scores out.
    pub what: String,
    /// Photos that were given at once; 0 for the whole program, which decides.
    pub batch: usize,
    /// Photos per second.
    pub photos_per_second: f64,
    /// Median time of a batch, or of all photos, in milliseconds.
    pub median_ms: f64,
    /// Times that it was run.
    pub runs: usize,
}

/// How a part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// To its end, and the numbers are right.
    Passed,
    /// To its end, and numbers are off by more than is allowed.
    Differs,
    /// With an error: refused, not supported, failed.
    Failed,
    /// The driver ended the process.
    Crashed,
    /// It was ended because its time was up.
    OutOfTime,
    /// It was not begun.
    NotRun,
}

/// A part of a check.
#[derive(Debug, Clone, Serialize)]
pub struct PartFound {
    pub part: String,
    pub state: State,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examination: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answers>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fits: Vec<Fit>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageTime>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub throughput: Vec<Throughput>,
}

impl PartFound {
    /// A part that found nothing.
    pub fn nothing(part: &str, state: State, reason: Option<String>) -> Self {
        let part = part.to_owned();
        Self {
            part,
            state,
            reason,
            seconds: 0.0,
            host_memory_bytes: None,
            device_memory_bytes: None,
            examination: None,
            answers: Vec::new(),
            fits: Vec::new(),
            stages: Vec::new(),
            throughput: Vec::new(),
        }
    }
}

/// A device in a precision, and its parts.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceFound {
    pub device: String,
    pub precision: Precision,
    pub is_gpu: bool,
    pub parts: Vec<PartFound>,
}

impl DeviceFound {
    /// Whether every part passed.
    pub fn passed(&self) -> bool {
        self.parts.iter().all(|part| part.state == State::Passed)
    }
}

/// Where recorded answers come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    /// Version of the program that recorded them.
    pub program: String,
    /// When.
    pub date: String,
    /// On what.
    pub machine: String,
}

/// What is there of drivers, without asking one.
#[derive(Debug, Clone, Serialize)]
pub struct Drivers {
    /// Manifests of Vulkan drivers.
    pub vulkan_manifests: Vec<String>,
    /// What NVIDIA's kernel driver says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nvidia: Option<String>,
    /// Nodes of devices under /dev.
    pub nodes: Vec<String>,
}

/// device-check.json.
#[derive(Debug, Serialize)]
pub struct File {
    pub version: u32,
    pub program: String,
    pub date: String,
    pub machine: String,
    /// GPU backends of this build.
    pub features: Vec<String>,
    /// Seconds that it was given.
    pub seconds: u64,
    pub took_seconds: f64,
    pub recorded: Made,
    pub drivers: Drivers,
    /// What the backends list.
    pub devices: Vec<Value>,
    /// In words.
    pub verdict: String,
    pub checks: Vec<DeviceFound>,
}
