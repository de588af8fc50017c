//! A fit, photo by photo: those of one size wait for each other where the device takes several at once.

use std::collections::HashSet;

use patchcore_config::Size;
use patchcore_core::error::FitError;
use patchcore_core::model_file::{ColourSeen, InputsSeen, SizeSeen, TrainingPhoto};
use patchcore_core::{Fitter, ImageInput};
use patchcore_io::{Geometry, NetworkInput, PhotoIdentity, PhotoKind};

use crate::batch_note::BatchNote;
use crate::error::Error;
use crate::inputs_seen::add_inputs;
use crate::into_photo::Digest;
use crate::places::stored;
use crate::remarks::{Remark, Remarks};

/// Photos on their way into a fit, on a GPU several at once.
pub(crate) struct FitInProgress {
    pub(crate) fitter: Fitter,
    /// Whole photos of one size.
    pub(crate) waiting: Vec<(String, NetworkInput)>,
    /// Those that are in the fit.
    pub(crate) photos: Vec<TrainingPhoto>,
    /// What kinds of photos they are.
    pub(crate) inputs: InputsSeen,
    pub(crate) rejected: Vec<(String, Error)>,
    pub(crate) remarks: Remarks,
    /// What the first photo is.
    first: Option<(Geometry, PhotoKind)>,
    /// What they show.
    seen: HashSet<Digest>,
    note: BatchNote,
}

impl FitInProgress {
    pub(crate) fn new(fitter: Fitter) -> Self {
        Self {
            fitter,
            waiting: Vec::new(),
            photos: Vec::new(),
            inputs: InputsSeen::default(),
            rejected: Vec::new(),
            remarks: Remarks::default(),
            first: None,
            seen: HashSet::new(),
            note: BatchNote::default(),
        }
    }

    /// Takes a photo, or notes why it cannot be used.
    ///
    /// # Errors
    /// What is wrong with the device or the weights, and so with every photo.
    pub(crate) fn add(&mut self, name: String, input: Result<NetworkInput, Error>) -> Result<(), Error> {
        let input = match input {
            Ok(input) => input,
            Err(error) => {
                // In the order of the photos.
                self.flush()?;
                self.rejected.push((name, error));
                return Ok(());
            }
        };
        // Only whole photos wait for others, and only for those of their size.
        let whole = input.inside.is_none() && self.fitter.extractor().config().tiling.is_whole();
        let same = |(_, other): &(String, NetworkInput)| (input.height, input.width) == (other.height, other.width);
        if !whole || !self.waiting.first().is_none_or(same) {
            self.flush()?;
        }
        let batch = if whole { self.fitter.batch_size(input.height, input.width) } else { 1 };
        self.waiting.push((name, input));
        if self.waiting.len() >= batch { self.flush() } else { Ok(()) }
    }

    /// Adds what is waiting, together; where that fails, one by one, so that each photo has its own error.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let together: Vec<ImageInput<'_>> = self.waiting.iter().map(|(_, input)| core_input(input)).collect();
        let added = (together.len() > 1).then(|| self.fitter.add_batch(&together));
        self.note.tell(self.fitter.extractor().reduced_batch());
        match added {
            Some(Ok(())) => {
                for (name, input) in std::mem::take(&mut self.waiting) {
                    self.note(name, input);
                }
                return Ok(());
            }
            Some(Err(error)) if is_beyond_the_budget(&error) => return Err(error.into()),
            _ => {}
        }
        for (name, input) in std::mem::take(&mut self.waiting) {
            match self.fitter.add_within(core_input(&input), input.inside.as_deref()) {
                Ok(()) => self.note(name, input),
                Err(error @ (FitError::Device(_) | FitError::NotFinite { .. })) => return Err(error.into()),
                Err(error) if is_beyond_the_budget(&error) => return Err(error.into()),
                Err(error) => self.rejected.push((name, error.into())),
            }
        }
        Ok(())
    }

    /// Notes a photo that is in the fit.
    fn note(&mut self, name: String, input: NetworkInput) {
        let first = self.first.get_or_insert((input.geometry, input.kind));
        self.remarks.note(&name, &Remark::in_a_fit(&input, first, self.fitter.extractor().config()));
        let photo = training_photo(name, &input, &mut self.inputs);
        if let Some(sha256) = photo.sha256
            && !self.seen.insert(sha256)
        {
            self.remarks.note(&photo.name, &[Remark::Duplicate]);
        }
        self.photos.push(photo);
    }
}

/// Whether the fit cannot go on within its budget: no fault of the photo with which that came out, and the fitter is of no use any more.
fn is_beyond_the_budget(error: &FitError) -> bool {
    use FitError::{BudgetTooSmall, CapacityTooSmall, CoverageOverBudget};
    matches!(error, BudgetTooSmall { .. } | CapacityTooSmall { .. } | CoverageOverBudget { .. })
}

/// A photo as the model lists it; its kind is noted among those that were seen.
pub(crate) fn training_photo(name: String, input: &NetworkInput, seen: &mut InputsSeen) -> TrainingPhoto {
    let mut photo = TrainingPhoto { name, ..TrainingPhoto::default() };
    if let Some(identity) = &input.photo {
        let PhotoIdentity { size: Size { width, height }, sha256, path, .. } = identity.as_ref();
        let PhotoKind { channels, bits, .. } = input.kind;
        let of_photo = InputsSeen {
            sizes: vec![SizeSeen { width: *width, height: *height, photos: 1 }],
            colours: vec![ColourSeen { channels, bits, photos: 1 }],
        };
        add_inputs(seen, &of_photo);
        photo.sha256 = Some(*sha256);
        photo.path = path.as_deref().map(stored);
    }
    photo
}

/// A prepared photo as the core takes it.
pub(crate) fn core_input(input: &NetworkInput) -> ImageInput<'_> {
    ImageInput { width: input.width, height: input.height, pixels: &input.data }
}
