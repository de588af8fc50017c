//! Memory banks and weights as tensors of a model file.

use std::collections::BTreeMap;

use half::f16;
use patchcore_config::{BackboneWeights, BankDtype, NamedTensor, NetworkWeights};
use safetensors::tensor::Dtype;

use super::header::ModelHeader;
use super::tensor::{Tensor, Tensors};
use crate::error::{ModelFileError, malformed};
use crate::memory_bank::{MemoryBank, PatchOrigin};

const BANK: &str = "memory_bank";
const ORIGINS: &str = "origins";
const WEIGHTS_PREFIX: &str = "weights.";
/// What the names of sections' tensors begin with.
pub(super) const SECTION_PREFIX: &str = "section.";

/// The name of a member's tensor: the first member's has no number.
fn of_member(tensor: &str, member: usize) -> String {
    if member == 0 { tensor.to_owned() } else { format!("{tensor}.{member}") }
}

/// The tensors of all members' banks.
pub(super) fn encode_banks(banks: &[MemoryBank]) -> Tensors {
    let mut tensors = Tensors::new();
    for (member, bank) in banks.iter().enumerate() {
        let shape = vec![bank.len(), bank.dim()];
        let values = match bank.dtype() {
            BankDtype::F32 => Tensor::of_f32(shape, bank.rows()),
            BankDtype::F16 => {
                let bytes = bank.rows().iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
                Tensor { dtype: Dtype::F16, shape, bytes }
            }
        };
        tensors.insert(of_member(BANK, member), values);
        if let Some(origins) = bank.origins() {
            let words = origins.iter().flat_map(|at| [at.image, u32::from(at.row), u32::from(at.column)]);
            tensors.insert(of_member(ORIGINS, member), Tensor::of_u32(vec![bank.len(), 3], words));
        }
    }
    tensors
}

/// The names of the tensors of so many members' banks.
pub(super) fn bank_tensors(members: usize) -> impl Iterator<Item = String> {
    (0..members).flat_map(|member| [of_member(BANK, member), of_member(ORIGINS, member)])
}

/// The bank of a member.
pub(super) fn decode_bank(
    tensors: &Tensors,
    header: &ModelHeader,
    member: usize,
) -> Result<MemoryBank, ModelFileError> {
    let name = of_member(BANK, member);
    let bank = tensors.get(&name).ok_or_else(|| malformed(format!("no tensor `{name}`")))?;
    let config = header.config.members.get(member).ok_or_else(|| malformed("a bank without a member"))?;
    let dim = config.embedding_dim();
    let m = match bank.shape.as_slice() {
        [m, width] if *width == dim && *m > 0 => *m,
        shape => return Err(malformed(format!("`{name}` has shape {shape:?}, expected [rows > 0, {dim}]"))),
    };
    if header.config.bank_rows_needed() > m {
        return Err(malformed(format!("num_neighbors {} exceeds the bank's {m} rows", header.config.num_neighbors)));
    }
    let (dtype, rows) = match bank.dtype {
        Dtype::F16 => {
            let (values, _) = bank.bytes.as_chunks::<2>();
            (BankDtype::F16, values.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect())
        }
        _ => (BankDtype::F32, bank.f32_values(&name)?),
    };
    if dtype != header.config.bank_dtype {
        let (found, expected) = (dtype.name(), header.config.bank_dtype.name());
        return Err(malformed(format!("`{name}` is {found}, the settings say {expected}")));
    }
    if rows.iter().any(|value| !value.is_finite()) {
        return Err(malformed(format!("`{name}` holds a value that is not finite")));
    }
    let bank = match tensors.get(&of_member(ORIGINS, member)) {
        Some(origins) => MemoryBank::new(dim, rows, decode_origins(origins, header, m)?),
        // A bank from elsewhere.
        None => MemoryBank::from_rows(dim, rows),
    };
    bank.and_then(|bank| bank.with_dtype(dtype)).map_err(malformed)
}

fn decode_origins(tensor: &Tensor, header: &ModelHeader, m: usize) -> Result<Vec<PatchOrigin>, ModelFileError> {
    if tensor.shape != [m, 3] {
        return Err(malformed(format!("the row origins have shape {:?}, expected [{m}, 3]", tensor.shape)));
    }
    let words = tensor.u32_values(ORIGINS)?;
    let (triples, _) = words.as_chunks::<3>();
    let origin = |[image, row, column]: &[u32; 3]| {
        let narrow = |value: u32| u16::try_from(value).map_err(|_| malformed("a row origin is out of range"));
        let images = header.fitted_on.images;
        if *image as usize >= images {
            return Err(malformed(format!("a row of the bank is of photo {image}, expected one of {images}, from 0")));
        }
        Ok(PatchOrigin { image: *image, row: narrow(*row)?, column: narrow(*column)? })
    };
    triples.iter().map(origin).collect()
}

/// The tensors of embedded weights: those of a model's only network by their own names, of several under their network's.
pub(super) fn encode_weights(weights: &NetworkWeights) -> impl Iterator<Item = (String, Tensor)> {
    let single = weights.len() == 1;
    weights.iter().flat_map(move |(network, weights)| {
        let of = if single { String::new() } else { format!("{network}.") };
        let tensor = move |(name, tensor): (&String, &NamedTensor)| {
            (format!("{WEIGHTS_PREFIX}{of}{name}"), Tensor::of_f32(tensor.shape.clone(), &tensor.data))
        };
        weights.tensors.iter().map(tensor)
    })
}

/// Whether a tensor is one of those that the fit computed: neither a section's nor a weight.
pub(super) fn is_computed(name: &str) -> bool {
    !name.starts_with(SECTION_PREFIX) && !is_weight(name)
}

/// Whether a tensor is one of embedded weights.
fn is_weight(name: &str) -> bool {
    name.starts_with(WEIGHTS_PREFIX)
}

/// The embedded weights of a model with such networks, taken out of the tensors.
pub(super) fn take_weights(tensors: &mut Tensors, networks: &[&str]) -> Result<NetworkWeights, ModelFileError> {
    let mut taken: BTreeMap<&str, BackboneWeights> = BTreeMap::new();
    for (name, tensor) in tensors.extract_if(.., |name, _| is_weight(name)) {
        let data = tensor.f32_values(&name)?;
        let short = name.strip_prefix(WEIGHTS_PREFIX).unwrap_or(&name);
        let of = |network: &&str| short.strip_prefix(network).and_then(|rest| rest.strip_prefix('.'));
        let (network, own) = match networks {
            [only] => (*only, short),
            several => {
                let found = several.iter().find_map(|network| Some((*network, of(network)?)));
                found.ok_or_else(|| malformed(format!("tensor `{name}` is of none of the model's networks")))?
            }
        };
        taken.entry(network).or_default().tensors.insert(own.to_owned(), NamedTensor { shape: tensor.shape, data });
    }
    let weights = taken.into_iter();
    Ok(weights.fold(NetworkWeights::new(), |all, (network, weights)| all.with(network, weights)))
}
