//! The core's typed errors: each says which parameter or value, what was expected, what was found, and what to do. It is long
//! because it is one list: every error that the core can give.

use crate::memory_bank::BankError;
use patchcore_config::ConfigError;
use patchcore_config::backbone::RangesError;
use patchcore_config::backbone::plan::PlanError;
use thiserror::Error;

/// Weights that do not fit the network they are meant for.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum BackboneError {
    /// A tensor is not there.
    #[error(
        "the weights have no tensor `{tensor}` that {backbone} needs (shape {expected:?}): they belong to another network or stop too early"
    )]
    MissingTensor {
        /// Name of the tensor.
        tensor: String,
        /// The backbone's name.
        backbone: String,
        /// Shape that the network expects.
        expected: Vec<usize>,
    },
    /// A tensor has another shape.
    #[error(
        "tensor `{tensor}` has shape {found:?} where {backbone} expects {expected:?}: the weights belong to another network"
    )]
    WrongShape {
        /// Name of the tensor.
        tensor: String,
        /// The backbone's name.
        backbone: Box<str>,
        /// Shape that the network expects.
        expected: Vec<usize>,
        /// Shape found.
        found: Vec<usize>,
    },
    /// A weight is NaN or infinite.
    #[error(
        "tensor `{tensor}` holds a value that is not finite (element {index}): the weight file is damaged, fetch it again"
    )]
    NotFinite {
        /// Name of the tensor.
        tensor: String,
        /// Position of the first such element, row-major.
        index: usize,
    },
    /// The catalogue's network does not have the layers asked for.
    #[error(transparent)]
    Layers(#[from] ConfigError),
    /// A network has no such level.
    #[error("the network {backbone} has no level `{level}`: it has {levels}")]
    NoLevel {
        /// The network's name.
        backbone: String,
        /// The level asked for.
        level: String,
        /// Its levels, comma separated.
        levels: String,
    },
    /// The members of a model name several networks, and weights of one were given.
    #[error("the model's members need several networks ({}), the weights of one were given: give those of each, by name", found.join(", "))]
    SeveralNetworks {
        /// Their names.
        found: Vec<String>,
    },
    /// No weights were given for one of a model's networks.
    #[error("there are no weights for the network {backbone}: give those of each network, by name")]
    NoWeights {
        /// The network's name.
        backbone: String,
    },
    /// Networks and members do not match.
    #[error(
        "{found} networks for a model of {members} members: give one network per member, the same one where members share it"
    )]
    NotOnePerMember {
        /// Networks given.
        found: usize,
        /// Members of the configuration.
        members: usize,
    },
    /// Another network than the configuration names.
    #[error("the network {found} was given for a member of {expected}: give the network that the configuration names")]
    OtherNetwork {
        /// The name of the network given.
        found: String,
        /// The configuration's.
        expected: String,
    },
    /// A network's level is not what the configuration says of it.
    #[error(
        "level `{level}` of the network {backbone} has {} channels at stride {}, the configuration says {} at {}: it is of another version of the network",
        found.0, found.1, expected.0, expected.1
    )]
    OtherLevel {
        /// The network's name.
        backbone: String,
        /// The level's name.
        level: String,
        /// Its channels and stride.
        found: (usize, usize),
        /// The configuration's.
        expected: (usize, usize),
    },
    /// A network gave another map than its level promises.
    #[error(
        "the network {backbone} gave a map of {found:?} for {level}: expected {expected:?} (channels, rows, columns)"
    )]
    WrongMap {
        /// The network's name.
        backbone: Box<str>,
        /// The level.
        level: Box<str>,
        /// Channels, rows and columns expected.
        expected: Vec<usize>,
        /// What it gave.
        found: Vec<usize>,
    },
    /// An application's own network failed.
    #[error("the network {backbone} failed: {reason}")]
    Failed {
        /// The network's name.
        backbone: String,
        /// Its own words.
        reason: String,
    },
    /// Only a plan of convolutions can be computed in fewer bits.
    #[error("the network {backbone} has no plan of convolutions: it cannot be computed in {precision}, only in f32")]
    NoReduction {
        /// The network's name.
        backbone: String,
        /// The number format asked for.
        precision: &'static str,
    },
    /// The ranges of a network of int8 are not those of its maps.
    #[error("the activation ranges do not fit the network: {0}; give those that a `RangeSurvey` of it has measured")]
    Ranges(#[from] RangesError),
    /// Photos and weights give no ranges of 8 bits.
    #[error(
        "no activation ranges can be made of what the network {backbone} gives: {range}; its weights or a photo hold values that are not finite, or far too large"
    )]
    NoRanges {
        /// The network's name.
        backbone: String,
        /// The first range at fault.
        range: Box<RangesError>,
    },
    /// A network that computes in fewer bits than f32 by itself.
    #[error(
        "the network {backbone} was given in fewer bits than f32: give it in f32, and say the number format in the configuration (`network_precision`)"
    )]
    AlreadyReduced {
        /// The network's name.
        backbone: String,
    },
    /// Another network than the configuration's layers make.
    #[error(
        "the network {backbone} has another plan than its members' layers make: give the network of just these layers"
    )]
    OtherPlan {
        /// The network's name.
        backbone: String,
    },
    /// Members of one network of int8 were given several.
    #[error("the network {backbone} was given more than once for members of int8 that share it: give the same object")]
    NotShared {
        /// The network's name.
        backbone: String,
    },
    /// Not one set of ranges for each network of int8.
    #[error(
        "activation ranges of {found} networks for a model with {networks} of int8: a fit measures them first (`RangeSurvey`), and a model file holds them"
    )]
    NotOneRangesEach {
        /// Networks that ranges were given of.
        found: usize,
        /// Networks of int8.
        networks: usize,
    },
    /// A device is to compute in a number format of its own what the model says the format of.
    #[error(
        "the model's network computes in {network} on every device, and this one is to compute in {device}: leave it at f32, the default"
    )]
    TwoPrecisions {
        /// The network's, in words.
        network: &'static str,
        /// The device's, in words.
        device: &'static str,
    },
    /// The fastest number format of a device is asked for, and the model says which it is.
    #[error(
        "the model's network computes in {network} on every device: there is no precision to choose, leave it at f32, the default"
    )]
    NoChoice {
        /// The network's number format.
        network: &'static str,
    },
    /// No engine can run a part of the network.
    #[error("no engine of this program can run {operation}: build with the feature `flex`")]
    NoEngine {
        /// The part, in words.
        operation: String,
    },
}

/// A compute device that cannot be used.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device of that name exists in any build.
    #[error(
        "unknown device `{name}`: expected auto, gpu, cpu, flex, vulkan[:i], wgpu[:i], webgpu[:i], metal[:i], cuda[:i] or rocm[:i]"
    )]
    Unknown {
        /// The name given.
        name: String,
    },
    /// A name that stands for several devices, asked for where one must be named.
    #[error("`{name}` leaves a choice among devices: name one of them, or choose with `patchcore::open_device`")]
    Choice {
        /// The name given.
        name: String,
    },
    /// None of the GPUs that were tried can be used.
    #[error("no GPU can be used: {tried}; update its driver, build with its cargo feature, or use the device `cpu`")]
    NoGpu {
        /// Each backend with the reason.
        tried: String,
    },
    /// The backend exists, but this program was built without it.
    #[error("device `{name}` is not compiled in: build with the cargo feature `{feature}` (compiled in: {available})")]
    NotCompiledIn {
        /// The name given.
        name: String,
        /// Cargo feature that brings it.
        feature: &'static str,
        /// Devices of this build, comma separated.
        available: String,
    },
    /// The backend is compiled in, but the hardware or its driver is not there.
    #[error("device `{name}` was not found: {found}; list the devices to see what can compute here")]
    NotPresent {
        /// The name given.
        name: String,
        /// What was found instead.
        found: String,
    },
    /// The device cannot compute in the precision asked for.
    #[error(
        "device `{device}` cannot compute in {precision}: it can in {available}; use one of these, or another device"
    )]
    UnsupportedPrecision {
        /// The device's name.
        device: String,
        /// The precision's name.
        precision: &'static str,
        /// The precisions that the device has, comma separated.
        available: String,
    },
    /// The processor does not have these vector instructions, or the device is not the CPU.
    #[error("device `{device}` in {precision} cannot be limited to {found} instructions: expected {expected}")]
    UnsupportedInstructions {
        /// The device's name.
        device: String,
        /// The precision's name.
        precision: &'static str,
        /// The instructions asked for.
        found: &'static str,
        /// What can be asked for.
        expected: String,
    },
    /// The device computes wrong: a result of the self-check is not the expected value.
    #[error(
        "device `{device}` computes wrong: {operation} is off by {found:.3e}, at most {tolerance:.1e} is allowed (update the driver, build without `fusion`, or use the device `cpu`)"
    )]
    WrongAnswer {
        /// The device's name.
        device: String,
        /// The operation.
        operation: String,
        /// The largest deviation, relative to the largest expected value.
        found: f64,
        /// The largest deviation allowed.
        tolerance: f64,
    },
    /// Tensors were asked of a device that computes without them.
    #[error("device `{device}` computes without Burn's tensors: open `flex` (the same processor and numbers) or a GPU")]
    NoTensors {
        /// The device's name.
        device: String,
    },
    /// The device's driver ended the process that tried it.
    #[error(
        "device `{device}` cannot be trusted: its driver ended the process that tried it ({how}); update the driver or use the device `cpu`"
    )]
    Crashed {
        /// The device's name.
        device: String,
        /// How the process ended.
        how: String,
    },
    /// The device had no memory for what was computed at once.
    #[error(
        "device `{device}` has no memory left for {operation}: {message} (give it smaller photos or fewer at once, end other programs that use it, or use the device `cpu`)"
    )]
    OutOfMemory {
        /// The device's name.
        device: String,
        /// What was being computed.
        operation: &'static str,
        /// The backend's own words.
        message: String,
    },
    /// The driver has taken the device away: nothing that lies on it can be used any more.
    #[error(
        "device `{device}` was lost during {operation}: {message} (load the model again, which opens the device anew; where that fails, start the program again)"
    )]
    Lost {
        /// The device's name.
        device: String,
        /// What was being computed.
        operation: &'static str,
        /// The backend's own words.
        message: String,
    },
    /// This process is a fork of one that has used devices, and what a driver has given to a process its forks do not have.
    #[error(
        "device `{device}` cannot be used in a fork of process {used_by}, which has used devices: start a new process (Python's multiprocessing: `spawn`), use devices after the fork only, or use the device `cpu`"
    )]
    Forked {
        /// The device's name.
        device: String,
        /// Number of the process that has used devices.
        used_by: u32,
    },
    /// An operation failed on the device for another reason.
    #[error("{operation} failed on device `{device}`: {message} (try a smaller batch, or the device `cpu`)")]
    Execution {
        /// The device's name.
        device: String,
        /// What was being computed.
        operation: &'static str,
        /// The backend's own words.
        message: String,
    },
}

/// Why an engine cannot compute features.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// It has no implementation of a part of the network.
    #[error("the engine `{engine}` cannot run {operation}")]
    Lacks {
        /// The engine.
        engine: &'static str,
        /// What it lacks, in words.
        operation: String,
    },
    /// The network is at fault.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// The device is at fault.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A fit that cannot be finished.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum FitError {
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The weights are at fault.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// The device is at fault.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An input image is at fault.
    #[error(transparent)]
    Input(#[from] InputError),
    /// No image was added.
    #[error("no training image: add at least one photo of a good part before fitting")]
    NoImages,
    /// The coreset would be empty.
    #[error(
        "coreset_sampling_ratio {} of {patches} patches selects no row: raise it to at least {}",
        share(*ratio), share(rounded_up(*smallest))
    )]
    EmptyCoreset {
        /// The ratio given.
        ratio: f64,
        /// Patches of all training images.
        patches: usize,
        /// The smallest ratio that selects one row.
        smallest: f64,
    },
    /// More neighbours are asked for than the bank has rows.
    #[error(
        "num_neighbors is {num_neighbors}, but the memory bank has only {rows} rows: lower num_neighbors, raise coreset_sampling_ratio or add photos"
    )]
    TooFewRows {
        /// Neighbours asked for.
        num_neighbors: usize,
        /// Rows of the bank.
        rows: usize,
    },
    /// A photo is to be compared with the others, of which the bank has too few rows.
    #[error(
        "the other photos have {rows} rows of the memory bank, and num_neighbors is {num_neighbors}: they are too few to compare this photo with; fit on more photos that are no copies of it"
    )]
    TooFewOthers {
        /// Neighbours asked for.
        num_neighbors: usize,
        /// Rows of the other photos.
        rows: usize,
    },
    /// Features of a good image are NaN or infinite.
    #[error("the features of training image {image} are not finite: check the network's weights")]
    NotFinite {
        /// Index of the image in the order in which images were added.
        image: usize,
    },
    /// The rows are no bank.
    #[error(transparent)]
    Bank(#[from] BankError),
    /// One bank for a model of several members.
    #[error("one bank was given for a model of {members} members: each member has a bank of its own, fit on photos")]
    OneBank {
        /// Members of the configuration.
        members: usize,
    },
    /// A bank of so many rows cannot be selected block by block in so little room.
    #[error(
        "a bank of {rows} rows needs room for {} patches while it is selected, {capacity} may be held: allow a fit more memory, or ask for fewer rows", 4 * rows
    )]
    CapacityTooSmall {
        /// Patches that may be held at once.
        capacity: usize,
        /// Rows that the bank is to have.
        rows: usize,
    },
    /// The budget of memory cannot hold what the banks take while they are selected.
    #[error(
        "a fit in {} MiB for patches, their selection and the banks: expected {} MiB or more, for {rows} rows of memory banks; raise memory, or ask for fewer rows", mib(*budget, f64::floor), mib(*smallest, f64::ceil)
    )]
    BudgetTooSmall {
        /// The budget.
        budget: u64,
        /// The smallest that would do.
        smallest: u64,
        /// Rows of all members' banks.
        rows: u64,
    },
    /// A coverage radius takes more rows than may be held.
    #[error(
        "no patch is to lie further than {radius} from the bank, and that takes more than the {rows} rows that the budget of memory holds: raise memory, or the coverage"
    )]
    CoverageOverBudget {
        /// The largest distance allowed.
        radius: f32,
        /// Rows that may be held.
        rows: usize,
    },
    /// A model has no such photo.
    #[error("the model has no photo {image}: expected a number below {photos}, the photos of its fit")]
    NoSuchPhoto {
        /// The number given.
        image: u32,
        /// Photos of the model.
        photos: usize,
    },
    /// Every row of a bank is of photos that are to leave.
    #[error(
        "no row of a memory bank is of the photos that stay: the bank would be empty; fit again without these photos"
    )]
    NoRowsLeft,
    /// Models differ in something that their banks depend on.
    #[error("models cannot become one: {what} is {found} in one of them, expected {expected}")]
    NotOneModel {
        /// What differs.
        what: &'static str,
        /// What one of them has.
        found: Box<str>,
        /// What was expected, or what the first has.
        expected: Box<str>,
    },
    /// Something needs to know which photo a bank row is of.
    #[error("the model's bank comes from elsewhere and does not say which photo its rows are of: fit on photos")]
    NoOrigins,
    /// The caller asked to stop.
    #[error("the fit was cancelled")]
    Cancelled,
}

impl FitError {
    /// The error of scoring or embedding a photo as one of the fit; `image` is the photo's number.
    pub(crate) fn of_photo(error: ScoreError, image: usize) -> Self {
        match error {
            ScoreError::Input(error) => Self::Input(error),
            ScoreError::Backbone(error) => Self::Backbone(error),
            ScoreError::Device(error) => Self::Device(error),
            ScoreError::NotFinite => Self::NotFinite { image },
        }
    }
}

/// An image that the network cannot take.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum InputError {
    /// The buffer holds neither three planes of the stated size nor one.
    #[error(
        "the input buffer holds {found} values: expected 3 x {height} x {width} = {expected}, or a third of that for a grey image"
    )]
    WrongLength {
        /// Values found.
        found: usize,
        /// Values expected.
        expected: usize,
        /// Rows stated.
        height: usize,
        /// Columns stated.
        width: usize,
    },
    /// A batch holds images of several sizes.
    #[error(
        "a batch begins with an image of {} x {} pixels and holds one of {} x {}: group images by size",
        expected.1, expected.0, found.1, found.0
    )]
    MixedSizes {
        /// Rows and columns of the image at fault.
        found: (usize, usize),
        /// Rows and columns of the first.
        expected: (usize, usize),
    },
    /// An image of a size at which a network's maps would leave out its last rows or columns.
    #[error("the network {backbone}: {fault}")]
    OddGrid {
        /// The network's name.
        backbone: String,
        /// What does not fit, and what would.
        fault: PlanError,
    },
    /// A tensor of images has another shape.
    #[error(
        "the input tensor has shape {found:?}: expected [images >= 1, 3 or 1, height, width] with sides from {smallest} to {largest}"
    )]
    WrongTensor {
        /// Its shape.
        found: [usize; 4],
        /// Smallest side accepted.
        smallest: usize,
        /// Largest side accepted.
        largest: usize,
    },
    /// A tensor of images lies on another device than the model.
    #[error("the input tensor lies on {found}, the model on `{expected}`: move one of them")]
    OtherDevice {
        /// Burn's name for the tensor's device.
        found: String,
        /// The model's device.
        expected: String,
    },
    /// A side is too small for the network or too large for memory.
    #[error(
        "the network input is {width} x {height} pixels: expected each side from {smallest} to {largest} (set another resize)"
    )]
    WrongSize {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Smallest side accepted.
        smallest: usize,
        /// Largest side accepted.
        largest: usize,
    },
    /// The mask of inside pixels has another size than the input.
    #[error("the region of interest has {found} pixels: expected {height} x {width}, the network's input")]
    WrongInside {
        /// Pixels found.
        found: usize,
        /// Rows of the input.
        height: usize,
        /// Columns of the input.
        width: usize,
    },
    /// No pixel of the input counts.
    #[error(
        "no pixel of the network's view lies inside the region of interest: change the mask, or the crop that hides it"
    )]
    NothingInside,
    /// A pixel is NaN or infinite.
    #[error("pixel value {index} of the input is not finite: expected values in [0, 1]")]
    NotFinite {
        /// Position of the first such value in `[planes, height, width]`.
        index: usize,
    },
}

/// A score that cannot be computed.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// The input image is at fault.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The network is at fault.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// The device is at fault.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The score is NaN or infinite.
    #[error("the score is not finite: the features of this image overflowed (weights or input damaged)")]
    NotFinite,
}

/// A model file that is refused.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// Not a model file at all, or cut off.
    #[error(
        "not a readable PatchCore model: {reason} (the file is truncated, altered or something else; fit again or restore a copy)"
    )]
    Malformed {
        /// What was wrong.
        reason: String,
    },
    /// Content and checksum disagree.
    #[error(
        "the model's checksum does not match its content: expected {expected}, found {found} (the file was altered or damaged; restore a copy or fit again)"
    )]
    Checksum {
        /// Digest written in the file.
        expected: String,
        /// Digest of the content.
        found: String,
    },
    /// Written by a newer program.
    #[error(
        "the model has format version {found}, this program reads up to {supported}: update patchcore (the file was written by version {written_by})"
    )]
    NewerVersion {
        /// Version in the file.
        found: u32,
        /// Newest version this program reads.
        supported: u32,
        /// The crate version that wrote the file.
        written_by: String,
    },
    /// Written by a newer program, with something that decides its scores and that this one does not know.
    #[error("the model needs {}, which this version does not know: it was written by a newer version ({written_by}); update patchcore", names.join(", "))]
    Requires {
        /// What it needs.
        names: Vec<String>,
        /// The crate version that wrote the file.
        written_by: String,
    },
    /// The file is whole, but says something that this program does not know.
    #[error(
        "the model says something that this version does not know ({reason}): it was written by another version ({written_by}); use that version, or a newer one"
    )]
    NotUnderstood {
        /// What it says.
        reason: String,
        /// The crate version that wrote the file.
        written_by: String,
    },
    /// The weights of an application's own network cannot be stored.
    #[error(
        "the weights of {backbone} cannot be stored in the model: only those of networks of the catalogue can; give the network at every load"
    )]
    WeightsOfOwn {
        /// The network.
        backbone: String,
    },
    /// The weights given are not those the model was fitted with.
    #[error(
        "the model was fitted with {backbone} weights of sha256 {expected}, but the weights given have {found}: scores over other weights mean nothing; give the original file, or fit again"
    )]
    OtherWeights {
        /// The backbone's name.
        backbone: String,
        /// Digest in the model.
        expected: String,
        /// Digest of the weights given.
        found: String,
    },
    /// The model was fitted with an application's own network, which was not given.
    #[error(
        "the model was fitted with the application's own network {name} (sha256 {expected}), and {} given: give that network when the model is loaded",
        if given.is_empty() { "none was".to_owned() } else { format!("only {} was", given.join(", ")) }
    )]
    NetworkNeeded {
        /// The network's name.
        name: String,
        /// Its digest in the model.
        expected: String,
        /// Names of those that were given.
        given: Vec<String>,
    },
    /// The model needs weights that are not in it.
    #[error(
        "the model does not carry its {backbone} weights (sha256 {expected}): give the weight file, or save the model with its weights"
    )]
    WeightsNeeded {
        /// The backbone's name.
        backbone: String,
        /// Digest in the model.
        expected: String,
    },
    /// The device, its driver, its precision or this version computes other scores than the device of the fit did.
    #[error(
        "on device {device} the model's own pictures score differently than at the fit: image score off by {score:.1e}, map by {map:.1e}, features by {features:.1e} of their values, {tolerance:.0e} (features: five times that) is allowed; thresholds chosen at the fit would mean something else (compare the device with the CPU, use the device of the fit, or allow the drift)"
    )]
    Drift {
        /// The device and its precision.
        device: String,
        /// Drift of the image scores, as a share.
        score: f64,
        /// Drift of the maps' largest values, as a share.
        map: f64,
        /// Drift of the features, as a share.
        features: f64,
        /// The largest share allowed.
        tolerance: f64,
    },
    /// The stored configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The stored or given weights do not fit.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// The device is at fault.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl From<EngineError> for FitError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Lacks { operation, .. } => BackboneError::NoEngine { operation }.into(),
            EngineError::Backbone(error) => error.into(),
            EngineError::Device(error) => error.into(),
        }
    }
}

impl From<EngineError> for ScoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Lacks { operation, .. } => BackboneError::NoEngine { operation }.into(),
            EngineError::Backbone(error) => error.into(),
            EngineError::Device(error) => error.into(),
        }
    }
}

/// [`ModelFileError::Malformed`], for this reason.
pub(crate) fn malformed(reason: impl std::fmt::Display) -> ModelFileError {
    ModelFileError::Malformed { reason: reason.to_string() }
}

impl From<EngineError> for ModelFileError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Lacks { operation, .. } => BackboneError::NoEngine { operation }.into(),
            EngineError::Backbone(error) => error.into(),
            EngineError::Device(error) => error.into(),
        }
    }
}

/// A share as people write it: 0.1, and 5e-324 rather than 324 digits.
fn share(share: f64) -> String {
    if share.abs() < 1e-6 { format!("{share:e}") } else { share.to_string() }
}

/// To three digits, and no smaller than it is.
fn rounded_up(share: f64) -> f64 {
    let digits = 10_f64.powi(2 - share.log10().floor() as i32);
    let rounded = (share * digits).ceil() / digits;
    // Of what is no share nothing is rounded.
    if rounded.is_finite() { rounded.max(share) } else { share }
}

/// Bytes in MiB, with one digit, rounded so that what is enough is said to be enough.
fn mib(bytes: u64, round: fn(f64) -> f64) -> f64 {
    round(bytes as f64 * 10.0 / f64::from(1 << 20)) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_said_in_few_digits_and_suffices() {
        let said = |ratio, smallest| FitError::EmptyCoreset { ratio, patches: 9, smallest }.to_string();
        assert!(said(0.001, 0.0078125).starts_with("coreset_sampling_ratio 0.001 of 9"), "{}", said(0.001, 0.0078125));
        assert!(
            said(5e-324, 1.0 / 61_440.0).ends_with("raise it to at least 0.0000163"),
            "{}",
            said(5e-324, 1.0 / 61_440.0)
        );
        assert!(said(5e-324, 1.0).contains("coreset_sampling_ratio 5e-324 of"), "{}", said(5e-324, 1.0));
        for patches in 1..5000 {
            let smallest = 1.0 / f64::from(patches);
            let raised = rounded_up(smallest);
            assert!(raised >= smallest && raised <= 1.01 * smallest, "{patches}: {raised}");
        }
    }
}
