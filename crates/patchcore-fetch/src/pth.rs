//! PyTorch's `.pth` files, both the zip archive and the older run of pickles, to tensors by name.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};

use patchcore_weights::{Dtype, Payload, TensorView};
use zip::ZipArchive;

use super::pickle::{Storage, Tensor, Value, unpickle};

/// Largest tensor that is taken, in elements: eight times the largest of wide_resnet101_2.
const MAX_ELEMENTS: u64 = 1 << 27;

/// Names under which training scripts put the state dict.
const NESTED: [&str; 4] = ["state_dict", "model", "model_state_dict", "net"];

/// The tensors of a state dict by name.
///
/// # Errors
///
/// A sentence about what in the file is not supported or damaged.
pub fn read_pth(bytes: &[u8]) -> Result<BTreeMap<String, TensorView<'static>>, String> {
    if bytes.starts_with(b"PK") { read_zip(bytes) } else { read_legacy(bytes) }
}

/// `NAME/data.pkl` and one member `NAME/data/KEY` per storage.
fn read_zip(bytes: &[u8]) -> Result<BTreeMap<String, TensorView<'static>>, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let pickle = archive
        .file_names()
        .find(|name| name.ends_with("/data.pkl"))
        .map(str::to_owned)
        .ok_or("there is no data.pkl in the archive")?;
    let head = pickle.strip_suffix("data.pkl").unwrap_or_default().to_owned();
    let mut member = |name: &str, limit: u64| -> Result<Vec<u8>, String> {
        let file = archive.by_name(name).map_err(|error| format!("{name}: {error}"))?;
        let mut content = Vec::new();
        file.take(limit + 1).read_to_end(&mut content).map_err(|error| format!("{name}: {error}"))?;
        if content.len() as u64 > limit {
            return Err(format!("{name} is larger than the {limit} bytes it should have"));
        }
        Ok(content)
    };
    if member(&format!("{head}byteorder"), 16).is_ok_and(|order| order != b"little") {
        return Err("its numbers are big-endian".into());
    }
    let (value, _) = unpickle(&member(&pickle, 64 << 20)?)?;
    tensors(&value, |storage| {
        let size = size_of(storage)?;
        let content = member(&format!("{head}data/{}", storage.key), size as u64)?;
        if content.len() < size {
            return Err(format!("storage {} is truncated", storage.key));
        }
        Ok(content.into())
    })
}

/// Magic number, protocol, system, object and storage keys, each a pickle; then the storages one by one.
fn read_legacy(bytes: &[u8]) -> Result<BTreeMap<String, TensorView<'static>>, String> {
    let mut rest = bytes;
    let mut next = || -> Result<Value, String> {
        let (value, taken) = unpickle(rest)?;
        rest = rest.get(taken..).unwrap_or_default();
        Ok(value)
    };
    next().map_err(|error| format!("it is neither a zip archive nor an older checkpoint: {error}"))?;
    let protocol = next()?;
    let Value::Int(1001) = protocol else { return Err("it is no checkpoint of PyTorch".into()) };
    let system = next()?;
    if let Value::Dict(entries) = &system
        && entries.iter().any(|(key, value)| &**key == "little_endian" && matches!(value, Value::Int(0)))
    {
        return Err("its numbers are big-endian".into());
    }
    let object = next()?;
    let Value::List(keys) = next()? else { return Err("the list of storages is missing".into()) };
    let mut dtypes = HashMap::new();
    for (_, tensor) in named(&object)? {
        dtypes.insert(tensor.storage.key.clone(), tensor.storage.dtype);
    }
    let mut blocks: HashMap<String, &[u8]> = HashMap::new();
    for key in keys {
        let (count, tail) = rest.split_first_chunk::<8>().ok_or("a storage is truncated")?;
        let dtype = dtypes.get(&*key).ok_or("a storage of unknown type")?;
        let size = size_of(&Storage { dtype: *dtype, key: key.to_string(), count: u64::from_le_bytes(*count) })?;
        let (block, tail) = tail.split_at_checked(size).ok_or_else(|| format!("storage {key} is truncated"))?;
        blocks.insert(key.to_string(), block);
        rest = tail;
    }
    tensors(&object, |storage| {
        blocks.get(&storage.key).map(|block| block.to_vec().into()).ok_or_else(|| "a storage is missing".into())
    })
}

fn size_of(storage: &Storage) -> Result<usize, String> {
    let element = match storage.dtype {
        Dtype::I64 => 8,
        Dtype::Other(6) => 4,
        Dtype::Other(_) => 1,
        dtype => dtype.size().unwrap_or(1),
    };
    let count = Some(storage.count).filter(|count| *count <= MAX_ELEMENTS);
    count.and_then(|count| usize::try_from(count).ok()).map(|count| count * element).ok_or_else(|| {
        format!("storage {} has {} elements, more than any supported network", storage.key, storage.count)
    })
}

/// Names and tensors of the state dict, looked for at the top and one level below.
fn named(object: &Value) -> Result<Vec<(&str, &Tensor)>, String> {
    let Value::Dict(top) = object else { return Err("it holds no dictionary of tensors".into()) };
    let tensors =
        |entries: &[(std::rc::Rc<str>, Value)]| entries.iter().any(|(_, value)| matches!(value, Value::Tensor(_)));
    let mut entries = top;
    if !tensors(top) {
        for (key, value) in top {
            if let Value::Dict(inner) = value
                && NESTED.contains(&&**key)
                && tensors(inner)
            {
                entries = inner;
            }
        }
    }
    let found: Vec<_> = entries
        .iter()
        .filter_map(|(name, value)| match value {
            Value::Tensor(tensor) => Some((&**name, &**tensor)),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err("it holds no tensors".into()) } else { Ok(found) }
}

/// Every floating-point tensor, made contiguous.
fn tensors(
    object: &Value,
    mut block: impl FnMut(&Storage) -> Result<std::rc::Rc<[u8]>, String>,
) -> Result<BTreeMap<String, TensorView<'static>>, String> {
    let mut views = BTreeMap::new();
    for (name, tensor) in named(object)? {
        let Some(size) = tensor.storage.dtype.size() else { continue };
        let bytes = block(&tensor.storage)?;
        let data = gather(tensor, size, &bytes).ok_or_else(|| format!("`{name}` reaches beyond its storage"))?;
        let view = TensorView {
            name: Cow::Owned(name.to_owned()),
            dims: tensor.shape.clone(),
            dtype: tensor.storage.dtype,
            payload: Payload::Raw(Cow::Owned(data)),
        };
        views.insert(name.to_owned(), view);
    }
    Ok(views)
}

/// The elements of a strided view in row-major order; `None` when they do not lie in the storage.
fn gather(tensor: &Tensor, size: usize, bytes: &[u8]) -> Option<Vec<u8>> {
    if tensor.shape.len() != tensor.strides.len() || tensor.shape.len() > 8 {
        return None;
    }
    let count = tensor.shape.iter().try_fold(1_u64, |count, extent| count.checked_mul(*extent))?;
    if count > MAX_ELEMENTS {
        return None;
    }
    let start = usize::try_from(tensor.offset).ok()?.checked_mul(size)?;
    let mut contiguous = true;
    let mut step = 1_u64;
    for (extent, stride) in tensor.shape.iter().zip(&tensor.strides).rev() {
        contiguous &= *extent == 1 || *stride == step;
        step = step.checked_mul(*extent)?;
    }
    let length = usize::try_from(count).ok()?.checked_mul(size)?;
    if contiguous {
        return bytes.get(start..start.checked_add(length)?).map(<[u8]>::to_vec);
    }
    let mut data = Vec::with_capacity(length);
    for index in 0..count {
        let mut rest = index;
        let mut element = tensor.offset;
        for (extent, stride) in tensor.shape.iter().zip(&tensor.strides).rev() {
            element = element.checked_add((rest % extent).checked_mul(*stride)?)?;
            rest /= extent;
        }
        let at = usize::try_from(element).ok()?.checked_mul(size)?;
        data.extend_from_slice(bytes.get(at..at.checked_add(size)?)?);
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use patchcore_config::Architecture;
    use patchcore_config::backbone::{Family, NetworkEntry, ResNet};
    use patchcore_weights::{import_safetensors, import_state_dict};

    use super::read_pth;

    /// The basic-block network of the fixtures.
    fn basic() -> NetworkEntry {
        let net = ResNet { blocks: [2, 1, 1, 1], expansion: 1, stem: 2, width: 2, groups: 1 };
        NetworkEntry { name: "tiny_basic", family: Family::ResNet(net), ..*Architecture::RESNET18.entry() }
    }

    fn fixture(name: &str) -> Vec<u8> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../patchcore-weights/tests/fixtures");
        fs::read(folder.join(name)).unwrap()
    }

    #[test]
    fn both_formats_hold_the_same_state_dict() {
        let wanted = import_safetensors(&basic(), "s", &fixture("basic_state.safetensors")).unwrap();
        for file in ["basic_zip.pth", "basic_legacy.pth", "basic_nested_channels_last.pth"] {
            let tensors = read_pth(&fixture(file)).unwrap();
            assert_eq!(import_state_dict(&basic(), file, &tensors).unwrap(), wanted, "{file}");
        }
    }

    #[test]
    fn a_pickled_module_is_refused_with_the_remedy() {
        let error = read_pth(&fixture("basic_module.pth")).unwrap_err();
        assert!(error.contains("state_dict()"), "{error}");
    }

    #[test]
    fn damaged_files_are_errors() {
        for file in ["basic_zip.pth", "basic_legacy.pth"] {
            let bytes = fixture(file);
            for length in (0..bytes.len()).step_by(7) {
                assert!(read_pth(&bytes[..length]).is_err(), "{file} cut to {length}");
            }
            let mut seed = 1_u64;
            for _ in 0..4_000 {
                let mut broken = bytes.clone();
                for _ in 0..4 {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let at = (seed >> 33) as usize % broken.len();
                    broken[at] = (seed >> 24) as u8;
                }
                let _ = read_pth(&broken);
            }
        }
        assert!(read_pth(b"").is_err());
        assert!(read_pth(b"<html>not found</html>").is_err());
    }
}
