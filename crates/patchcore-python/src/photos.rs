//! Photos of a source, pulled on the thread that called: a folder, paths, a list, an array of photos, or any iterator.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use patchcore::{DataSet, Error, IntoPhoto, NamedPhoto};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyIterator, PyList, PyTuple};

use crate::errors::raised;
use crate::photo::{Pixels, is_path, photo};
use crate::stop::Stop;
use crate::warn::warn;

/// What a path stands for, where photos are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathIs {
    /// Photos of good parts: those of a folder, or those for training of a data set.
    Good,
    /// Photos to score: those directly in a folder, or one.
    Scored,
}

/// A source that is not pulled yet.
pub enum Photos {
    /// Files, in order.
    Files(Vec<PathBuf>),
    /// Objects of Python.
    Objects {
        /// They come from here.
        items: Py<PyIterator>,
        /// How many there are, if the source says so.
        count: Option<usize>,
        /// Whether their pixels may be read where they lie.
        pixels: Pixels,
    },
}

impl Photos {
    /// The photos that an object stands for.
    pub fn new(source: &Bound<'_, PyAny>, path_is: PathIs) -> PyResult<Self> {
        let py = source.py();
        if is_path(source)? {
            let path: PathBuf = source.extract()?;
            let found = py.detach(|| match path_is {
                PathIs::Good => DataSet::open(&path).and_then(|set| set.training().map(drop).map(|()| set)).map(Some),
                PathIs::Scored if path.is_dir() => DataSet::folder(&path).map(Some),
                PathIs::Scored => Ok(None),
            });
            let Some(set) = found.map_err(|error| raised(&Error::from(error)))? else {
                return Ok(Self::Files(vec![path]));
            };
            set.remarks
                .iter()
                .filter(|remark| !remark.is_about_test())
                .try_for_each(|remark| warn(py, &remark.to_string()))?;
            return Ok(Self::Files(set.train));
        }
        let one = "is one photo, expected several: pass a list of photos, a folder, or an array [n, h, w, c]";
        if source.is_instance_of::<PyBytes>() || source.is_instance_of::<PyByteArray>() {
            return Err(PyTypeError::new_err(format!("bytes {one}")));
        }
        if source.is_instance_of::<PyDict>() {
            return Err(PyTypeError::new_err(
                "photos are a dict, expected a list: pass (name, photo) pairs, dict.items()",
            ));
        }
        let array = source.cast::<PyUntypedArray>().ok();
        // Paths in an array of text or objects are a list like any other.
        if let Some(array) = array.filter(|array| !matches!(crate::array::kind_of(array).0, b'U' | b'O' | b'S'))
            && array.ndim() != 4
        {
            return Err(PyTypeError::new_err(format!("{} {one}", crate::array::described(array))));
        }
        // All of a list is there at once. What a generator yields may be one frame, filled again for each photo.
        let is_list = source.is_instance_of::<PyList>() || source.is_instance_of::<PyTuple>() || array.is_some();
        let pixels = if is_list { Pixels::Shared } else { Pixels::Copied };
        let count = source.len().ok();
        Ok(Self::Objects { items: source.try_iter()?.unbind(), count, pixels })
    }

    /// How many photos there are, if the source says so.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Files(files) => Some(files.len()),
            Self::Objects { count, .. } => *count,
        }
    }

    /// The photos. What the source raises stops the work.
    pub fn pulled(self, stop: &Arc<Stop>) -> Pulled {
        let count = self.count();
        Pulled { photos: self, number: 0, count, stop: Arc::clone(stop) }
    }
}

/// Pulls one photo after the other, taking the interpreter for each.
pub struct Pulled {
    photos: Photos,
    number: usize,
    count: Option<usize>,
    stop: Arc<Stop>,
}

impl Iterator for Pulled {
    type Item = NamedPhoto;

    fn next(&mut self) -> Option<NamedPhoto> {
        let number = self.number;
        self.number += 1;
        let (items, pixels) = match &mut self.photos {
            Photos::Files(files) => return files.get_mut(number).map(|file| std::mem::take(file).into_photo()),
            Photos::Objects { items, pixels, .. } => (items, *pixels),
        };
        if self.stop.is_set() {
            return None;
        }
        let next = Python::attach(|py| next_photo(items.bind(py), number, pixels));
        next.unwrap_or_else(|error| {
            self.stop.raise(error);
            None
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.count {
            Some(count) => (count.saturating_sub(self.number), Some(count.saturating_sub(self.number))),
            None => (0, None),
        }
    }
}

/// The next photo of an iterator.
pub fn next_photo(items: &Bound<'_, PyIterator>, number: usize, pixels: Pixels) -> PyResult<Option<NamedPhoto>> {
    match items.clone().next() {
        None => Ok(None),
        Some(item) => photo(&item?, &format!("photo {number}"), pixels).map(Some),
    }
}
