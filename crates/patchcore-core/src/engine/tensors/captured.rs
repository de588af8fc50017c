//! The whole computation of one photo as a captured graph: a fixed list of launches that the driver repeats at one command.
//!
//! At a batch of one a GPU waits for launches more than it computes. So from the third photo of a size on, on a device that can, the
//! launches of a photo are captured ([`burn::tensor::capture`]) and replayed for every further one: its pixels are written into the
//! buffer that the graph reads. The first replay is compared with what was computed without it, bit by bit; a graph that gives anything
//! else is thrown away and no other is made, and so is one that fails: the photo is then scored without. Graphs belong to the thread
//! that made them; a second thread that scores ends them. None is made while another engine lives in the process: some drivers
//! refuse what others ask for while one captures.
//!
//! Not in builds with the feature `fusion`, which puts launches off and joins them.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use burn::tensor::{Graph, Tensor, capture};

use super::features::planes_of;
use super::parts::{Asked, Computed, OPERATION, Parts};
use crate::backbone::cube::PhotoShape;
use crate::cube::refresh;
use crate::device::ComputeDevice;
use crate::engine::interface::{MapSpec, WholePhoto};
use crate::error::EngineError;
use crate::image_input::ImageInput;

/// Photos of a size that are scored without a graph before one is made.
const BEFORE: u32 = 2;
/// Sizes of which there is a graph at a time: each holds the memory of its maps.
const MOST: usize = 4;

type Launches = Box<dyn FnMut() -> Option<Computed> + Send>;

/// Engines of this process whose photos could be captured.
static LIVING: AtomicUsize = AtomicUsize::new(0);

/// The graphs of an engine.
pub(super) struct Graphs {
    /// Whether graphs are made while other engines live; they are not, but in tests, which run beside each other.
    among_others: AtomicBool,
    /// Several threads have scored, or a graph was wrong or failed.
    ended: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    thread: Option<ThreadId>,
    sizes: Vec<(Key, Size)>,
}

/// What a graph is of. Parts are compared by identity; a graph keeps them alive.
#[derive(Clone, PartialEq)]
struct Key {
    parts: [usize; 2],
    map: MapSpec,
    photos: PhotoShape,
    asked: Asked,
}

enum Size {
    /// So many photos were scored.
    Seen(u32),
    Captured(Box<Captured>),
}

struct Captured {
    /// What the graph reads the photo from.
    pixels: Tensor<1>,
    graph: Graph<Option<Computed>, Launches>,
}

impl fmt::Debug for Graphs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graphs").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Default for Graphs {
    fn default() -> Self {
        LIVING.fetch_add(1, Ordering::AcqRel);
        Self { among_others: AtomicBool::new(false), ended: AtomicBool::new(false), state: Mutex::default() }
    }
}

impl Drop for Graphs {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Graphs {
    /// One photo by its graph; `None` where there is none, or not yet.
    ///
    /// # Errors
    /// [`EngineError`].
    pub(super) fn photo(
        &self,
        device: &ComputeDevice,
        parts: &Parts<'_>,
        asked: Asked,
        image: ImageInput<'_>,
    ) -> Result<Option<WholePhoto>, EngineError> {
        if self.ended.load(Ordering::Acquire) || cfg!(feature = "fusion") || !device.has_cube_kernels() {
            return Ok(None);
        }
        let Some(mut state) = self.state_of_this_thread() else { return Ok(None) };
        let planes = if image.is_grey() { 1 } else { 3 };
        let key = Key {
            parts: parts.identities(),
            map: parts.map(),
            photos: PhotoShape { images: 1, planes, height: image.height, width: image.width },
            asked,
        };
        let at = match state.sizes.iter().position(|(known, _)| *known == key) {
            Some(at) => at,
            None => {
                if state.sizes.len() >= MOST {
                    state.sizes.remove(0);
                }
                state.sizes.push((key.clone(), Size::Seen(0)));
                state.sizes.len() - 1
            }
        };
        let Some((_, size)) = state.sizes.get_mut(at) else { return Ok(None) };
        match size {
            Size::Seen(seen) if *seen < BEFORE => {
                *seen += 1;
                Ok(None)
            }
            // Drivers refuse what other engines of the process ask for while one captures.
            Size::Seen(_) if LIVING.load(Ordering::Acquire) > 1 && !self.among_others.load(Ordering::Acquire) => {
                Ok(None)
            }
            Size::Seen(_) => match Captured::checked(device, parts, &key, planes_of(&[image]).0) {
                Ok(Some((captured, photo))) => {
                    *size = Size::Captured(Box::new(captured));
                    Ok(Some(photo))
                }
                // The photo is scored without: a graph needs memory that the launches alone may not.
                Ok(None) | Err(_) => {
                    self.end_in(&mut state);
                    Ok(None)
                }
            },
            Size::Captured(captured) => {
                let replayed = device
                    .tensor(planes_of(&[image]).0, [key.photos.values()])
                    .map_err(EngineError::from)
                    .and_then(|fresh| captured.replay(device, parts, asked, Some(fresh)));
                match replayed {
                    Ok(photo) => Ok(Some(photo)),
                    Err(_) => {
                        self.end_in(&mut state);
                        Ok(None)
                    }
                }
            }
        }
    }

    /// A call that scores several photos at once: it counts as a thread.
    pub(super) fn batch(&self) {
        if self.ended.load(Ordering::Acquire) {
            return;
        }
        drop(self.state_of_this_thread());
    }

    /// The graphs, for the thread that they belong to; for another one they end.
    fn state_of_this_thread(&self) -> Option<MutexGuard<'_, State>> {
        let this = std::thread::current().id();
        // A lock that a panic has poisoned: what was half made is thrown away.
        let poisoned = self.state.is_poisoned();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if poisoned || *state.thread.get_or_insert(this) != this {
            self.end_in(&mut state);
            return None;
        }
        Some(state)
    }

    /// Throws the graphs away, with their memory, and makes no more.
    pub(super) fn end(&self) {
        self.end_in(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn end_in(&self, state: &mut State) {
        state.sizes.clear();
        self.ended.store(true, Ordering::Release);
    }
}

impl Captured {
    /// Captures the launches of a photo; `None` where the device captures nothing.
    fn new(
        device: &ComputeDevice,
        parts: &Parts<'_>,
        key: &Key,
        values: Vec<f32>,
    ) -> Result<Option<Self>, EngineError> {
        let pixels = device.tensor(values, [key.photos.values()])?;
        let (read, parts, photos, asked) = (pixels.clone(), parts.owned(), key.photos, key.asked);
        let launches: Launches = Box::new(move || parts.launch(read.clone(), photos, asked));
        let graph = capture(device.burn()?, launches);
        let whole = graph.is_hardware() && graph.output().is_some();
        Ok(whole.then_some(Self { pixels, graph }))
    }

    /// A graph whose first replay has given what the launches give, and that photo; `None` where there is none.
    fn checked(
        device: &ComputeDevice,
        parts: &Parts<'_>,
        key: &Key,
        values: Vec<f32>,
    ) -> Result<Option<(Self, WholePhoto)>, EngineError> {
        let pixels = device.tensor(values.clone(), [key.photos.values()])?;
        let expected = parts.one_photo(device, key.photos, key.asked, pixels)?;
        let Some(mut captured) = Self::new(device, parts, key, values)? else { return Ok(None) };
        let found = captured.replay(device, parts, key.asked, None)?;
        Ok((found == expected).then_some((captured, expected)))
    }

    fn replay(
        &mut self,
        device: &ComputeDevice,
        parts: &Parts<'_>,
        asked: Asked,
        fresh: Option<Tensor<1>>,
    ) -> Result<WholePhoto, EngineError> {
        if let Some(fresh) = fresh {
            refresh(fresh, self.pixels.clone());
        }
        // SAFETY: what the launches read and write lives as long as the graph: its closure owns the pixels, weights, tables and bank,
        // its output the results, and CubeCL keeps the pages of what lies between. Nothing else writes any of it: pixels are
        // refreshed here alone, under the lock of the graphs, and on the stream of this thread, which is the one that captured;
        // weights, tables and bank are never written. What is read of the results is read before this returns, on the same stream.
        let computed = unsafe { self.graph.replay() }.clone();
        let computed = computed.ok_or_else(|| device.failed(OPERATION, "no embedding"))?;
        parts.read_one(device, computed, asked)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_model::{Model, model};
    use super::*;
    use crate::backbone::test_networks::values;
    use crate::cube::cube_devices;
    use crate::engine::interface::Engine;
    use crate::memory_bank::MemoryBank;

    fn captured(model: &Model) -> usize {
        let state = model.engine.graphs().state.lock().unwrap();
        state.sizes.iter().filter(|(_, size)| matches!(size, Size::Captured(_))).count()
    }

    #[test]
    fn a_graph_gives_what_its_launches_give_and_a_second_thread_ends_it() {
        for device in cube_devices() {
            let model = model(&device);
            // Of two engines in a process none makes a graph.
            let _other = Graphs::default();
            for _ in 0..4 {
                assert!(!model.score(&[9]).is_empty());
            }
            assert_eq!(captured(&model), 0);
            model.engine.graphs().state.lock().unwrap().sizes.clear();
            model.engine.graphs().among_others.store(true, Ordering::Release);
            let seeds = [3, 4, 5, 6, 7, 4];
            let one_by_one: Vec<WholePhoto> = seeds.iter().flat_map(|seed| model.score(&[*seed])).collect();
            assert_eq!(captured(&model), usize::from(!cfg!(feature = "fusion")), "{}", device.name());
            assert_eq!(one_by_one, model.score(&seeds), "{}", device.name());
            assert_ne!(one_by_one[4].map, one_by_one[5].map, "each photo has its own map");
            let elsewhere = std::thread::scope(|scope| scope.spawn(|| model.score(&[7])).join().unwrap());
            assert_eq!(elsewhere, one_by_one[4..5]);
            assert_eq!(captured(&model), 0);
            assert_eq!(model.score(&[7]), elsewhere);
        }
    }

    /// Parts that come and go leave no graph of theirs behind for others.
    #[test]
    fn a_graph_is_of_one_bank_alone() {
        for device in cube_devices() {
            let mut model = model(&device);
            model.engine.graphs().among_others.store(true, Ordering::Release);
            let before = (0..4).map(|_| model.score(&[9])).next_back();
            let rows = values(32 * 40, 1).iter().map(|value| value + 2.0).collect();
            model.index = model.engine.index(&MemoryBank::from_rows(32, rows).unwrap()).unwrap();
            let after = model.score(&[9]);
            assert_ne!(before, Some(after.clone()));
            assert_eq!((0..4).map(|_| model.score(&[9])).next_back(), Some(after));
        }
    }
}
