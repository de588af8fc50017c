//! The container of a model file: a safetensors file with a JSON header in its metadata, and the digests over both.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::banks::is_computed;
use super::tensor::{Tensor, Tensors};
use super::version::Version;
use crate::error::{ModelFileError, malformed};

/// Where the header stands in the safetensors metadata.
const HEADER_KEY: &str = "patchcore";
/// The tensor with the digest of everything else.
const CHECKSUM: &str = "sha256";
/// The tensor with the digest of what the fit computed.
const COMPUTED: &str = "computed_sha256";
/// The first version whose digest is over codes and little-endian sizes; before, types and shapes were hashed as text.
const TYPE_CODES: u32 = 3;

/// A file's header, before anything in it is understood, and its tensors without the digests.
pub(super) struct Container {
    pub header: String,
    pub tensors: Tensors,
    /// The digest of what was computed, as the file holds it; files of versions 1 and 2 hold none.
    computed: Option<Vec<u8>>,
}

impl Container {
    /// The header's text alone, whatever the rest is.
    pub fn read_header(bytes: &[u8]) -> Result<String, ModelFileError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(malformed)?;
        let header = metadata.metadata().as_ref().and_then(|entries| entries.get(HEADER_KEY));
        header.cloned().ok_or_else(|| malformed("a safetensors file without PatchCore's header"))
    }

    /// Reads a file of a version, whose checksum must hold.
    pub fn read(bytes: &[u8], header: String, format_version: u32) -> Result<Self, ModelFileError> {
        let file = SafeTensors::deserialize(bytes).map_err(malformed)?;
        let mut tensors = Tensors::new();
        for (name, view) in file.tensors() {
            let tensor = Tensor { dtype: view.dtype(), shape: view.shape().to_vec(), bytes: view.data().to_vec() };
            tensors.insert(name, tensor);
        }
        let expected = tensors.remove(CHECKSUM).ok_or_else(|| malformed(format!("no tensor `{CHECKSUM}`")))?;
        let found = if format_version < TYPE_CODES {
            checksum_of_text(&header, &tensors)
        } else {
            checksum(&header, &tensors)?
        };
        if expected.bytes != found {
            return Err(ModelFileError::Checksum { expected: hex(&expected.bytes), found: hex(&found) });
        }
        let computed = tensors.remove(COMPUTED).map(|tensor| tensor.bytes);
        Ok(Self { header, tensors, computed })
    }

    /// Refuses a file whose digest of what was computed is not that of `tensors` under its header.
    pub fn check_computed<'a>(
        &self,
        tensors: impl Iterator<Item = (&'a String, &'a Tensor)>,
    ) -> Result<(), ModelFileError> {
        let found = computed_digest(&self.header, tensors)?;
        match &self.computed {
            Some(expected) if *expected == found => Ok(()),
            Some(expected) => Err(ModelFileError::Checksum { expected: hex(expected), found: hex(&found) }),
            None => Err(malformed(format!("no tensor `{COMPUTED}`"))),
        }
    }

    /// The bytes of a file, with both digests. `computed`: the digest of what was computed.
    pub fn write(header: String, mut tensors: Tensors, computed: [u8; 32]) -> Result<Vec<u8>, ModelFileError> {
        tensors.insert(COMPUTED.to_owned(), Tensor::of_bytes(computed.to_vec()));
        let digest = checksum(&header, &tensors)?;
        tensors.insert(CHECKSUM.to_owned(), Tensor::of_bytes(digest.to_vec()));
        let mut views = Vec::with_capacity(tensors.len());
        for (name, tensor) in &tensors {
            let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).map_err(malformed)?;
            views.push((name.clone(), view));
        }
        // One entry: a map of two would be written in random order.
        let metadata = std::iter::once((HEADER_KEY.to_owned(), header)).collect();
        safetensors::serialize(views, Some(metadata)).map_err(malformed)
    }
}

/// The same file with the digests that its header and tensors have, as far as it is one: mutated bytes get past them this way.
pub(super) fn resealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = Container::read_header(bytes).ok()?;
    let version: Version = serde_json::from_str(&header).ok()?;
    let file = SafeTensors::deserialize(bytes).ok()?;
    let mut sealed = bytes.to_vec();
    let mut put = |name: &str, digest: [u8; 32], tensors: &mut Tensors| {
        let place = file.tensor(name).ok()?.data().as_ptr().addr() - bytes.as_ptr().addr();
        sealed.get_mut(place..place + digest.len())?.copy_from_slice(&digest);
        tensors.insert(name.to_owned(), Tensor::of_bytes(digest.to_vec()));
        Some(())
    };
    let mut tensors = Tensors::new();
    for (name, view) in file.tensors() {
        let tensor = Tensor { dtype: view.dtype(), shape: view.shape().to_vec(), bytes: view.data().to_vec() };
        tensors.insert(name, tensor);
    }
    tensors.remove(CHECKSUM)?;
    if version.format_version >= TYPE_CODES {
        tensors.remove(COMPUTED)?;
        let computed = tensors.iter().filter(|(name, _)| is_computed(name));
        put(COMPUTED, computed_digest(&header, computed).ok()?, &mut tensors)?;
    }
    let digest = match version.format_version < TYPE_CODES {
        true => checksum_of_text(&header, &tensors),
        false => checksum(&header, &tensors).ok()?,
    };
    put(CHECKSUM, digest, &mut Tensors::new())?;
    Some(sealed)
}

/// The digest of what the fit computed: `config`, `fitted_on` and `networks` of the header as JSON with sorted keys and without
/// spaces, then the tensors given (banks and origins, not the weights, which `networks` names).
pub(super) fn computed_digest<'a>(
    header: &str,
    tensors: impl Iterator<Item = (&'a String, &'a Tensor)>,
) -> Result<[u8; 32], ModelFileError> {
    let header: Value = serde_json::from_str(header).map_err(malformed)?;
    let mut text = String::new();
    for key in ["config", "fitted_on", "networks"] {
        let value = header.get(key).ok_or_else(|| malformed(format!("the header has no `{key}`")))?;
        canonical(value, &mut text);
    }
    let mut hasher = FieldHasher::default();
    hasher.field(text.as_bytes());
    for (name, tensor) in tensors {
        hasher.tensor(name, tensor)?;
    }
    Ok(hasher.finish())
}

/// JSON with sorted keys and without spaces, whatever order a map of this build keeps.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                canonical(value, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// SHA-256 over fields, each with its length before it.
#[derive(Default)]
struct FieldHasher(Sha256);

impl FieldHasher {
    fn number(&mut self, value: usize) {
        self.0.update((value as u64).to_le_bytes());
    }

    fn field(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }

    fn tensor(&mut self, name: &str, tensor: &Tensor) -> Result<(), ModelFileError> {
        let code = type_code(tensor.dtype).ok_or_else(|| {
            malformed(format!("tensor `{name}` has dtype {:?}, which model files do not have", tensor.dtype))
        })?;
        self.field(name.as_bytes());
        self.0.update([code]);
        self.number(tensor.shape.len());
        tensor.shape.iter().for_each(|side| self.number(*side));
        self.field(&tensor.bytes);
        Ok(())
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// SHA-256 over the header and every tensor in name order.
fn checksum(header: &str, tensors: &Tensors) -> Result<[u8; 32], ModelFileError> {
    let mut hasher = FieldHasher::default();
    hasher.field(header.as_bytes());
    for (name, tensor) in tensors {
        hasher.tensor(name, tensor)?;
    }
    Ok(hasher.finish())
}

/// The checksum of files of versions 1 and 2: type and shape as text.
fn checksum_of_text(header: &str, tensors: &Tensors) -> [u8; 32] {
    let mut hasher = FieldHasher::default();
    hasher.field(header.as_bytes());
    for (name, tensor) in tensors {
        hasher.field(name.as_bytes());
        hasher.field(format!("{:?} {:?}", tensor.dtype, tensor.shape).as_bytes());
        hasher.field(&tensor.bytes);
    }
    hasher.finish()
}

/// What a type is in the digest: numbers of this format, not of a crate that may change its own.
fn type_code(dtype: Dtype) -> Option<u8> {
    Some(match dtype {
        Dtype::BOOL => 0,
        Dtype::U8 => 1,
        Dtype::I8 => 2,
        Dtype::U16 => 3,
        Dtype::I16 => 4,
        Dtype::U32 => 5,
        Dtype::I32 => 6,
        Dtype::U64 => 7,
        Dtype::I64 => 8,
        Dtype::F16 => 9,
        Dtype::BF16 => 10,
        Dtype::F32 => 11,
        Dtype::F64 => 12,
        _ => return None,
    })
}

/// A digest in hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_does_not_hang_on_the_order_of_keys() {
        let written = |json: &str| {
            let mut text = String::new();
            canonical(&serde_json::from_str(json).unwrap(), &mut text);
            text
        };
        let expected = r#"{"a":[1,{"c":null,"d":0.25}],"b":"x\"y"}"#;
        assert_eq!(written(r#"{"b": "x\"y", "a": [1, {"d": 0.25, "c": null}]}"#), expected);
        assert_eq!(written(expected), expected);
    }

    /// The digest of a file that was put together by hand, byte by byte.
    #[test]
    fn the_digest_is_over_codes_and_little_endian_sizes() {
        let tensors = Tensors::from([("ab".to_owned(), Tensor::of_f32(vec![1, 2], &[1.0, -2.0]))]);
        let mut bytes = Vec::new();
        bytes.extend(2u64.to_le_bytes());
        bytes.extend(b"{}");
        bytes.extend(2u64.to_le_bytes());
        bytes.extend(b"ab");
        bytes.push(11);
        bytes.extend([2u64, 1, 2, 8].map(u64::to_le_bytes).concat());
        bytes.extend([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
        let expected: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!(checksum("{}", &tensors).unwrap(), expected);
    }
}
