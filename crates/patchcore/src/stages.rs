//! A model's steps one by one, for the device check and benches: nothing that an application needs.

use patchcore_core::ImageInput;
use patchcore_io::NetworkInput;

pub use patchcore_core::stages::{Stage, StageOf, Stages, StagesError, Work};

use crate::error::Error;
use crate::fit_in_progress::core_input;
use crate::model::Model;
use crate::score::Score;

impl Model {
    /// The stages of this model's device with its network and settings, ready to be run and timed, for at least two prepared photos of
    /// one size. `batches`: so many photos at once go through the network alone.
    ///
    /// # Errors
    /// [`StagesError`].
    #[doc(hidden)]
    pub fn stages(&self, inputs: &[NetworkInput], batches: &[usize]) -> Result<Stages, StagesError> {
        let images: Vec<ImageInput<'_>> = inputs.iter().map(core_input).collect();
        self.threads.run(|| Stages::new(self.config().clone(), &*self.weights, self.device(), &images, batches))
    }

    /// Scores prepared photos, in order, as many together as the device holds.
    ///
    /// # Errors
    /// [`Error::Score`], for the first photo at fault.
    #[doc(hidden)]
    pub fn score_inputs(&self, inputs: &[&NetworkInput]) -> Result<Vec<Score>, Error> {
        self.score_together(inputs)
    }
}
