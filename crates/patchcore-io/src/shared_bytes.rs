//! Bytes that several hold and nobody copies, whoever owns them.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes of any owner, shared: a camera's frame, an array of another language, the `Bytes` of a web server, a vector. A clone is as cheap
/// as that of an `Arc`, and the owner is dropped with the last one.
///
/// # Examples
/// ```
/// use patchcore_io::SharedBytes;
///
/// let shared = SharedBytes::from_owner(vec![90_u8; 64]);
/// let clone = shared.clone();
/// assert_eq!((clone.len(), clone.as_ptr()), (64, shared.as_ptr()));
/// ```
#[derive(Clone)]
pub struct SharedBytes(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl SharedBytes {
    /// Takes what owns the bytes. They must stay the same for as long as anybody holds them.
    pub fn from_owner(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(owner))
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_owner(bytes)
    }
}

impl FromIterator<u8> for SharedBytes {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        Vec::from_iter(bytes).into()
    }
}

impl PartialEq for SharedBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SharedBytes {}

/// How many there are: the bytes themselves are a photo.
impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedBytes({})", self.len())
    }
}
