//! What every change of the banks ends with.

use crate::coverage::Coverage;
use crate::error::FitError;
use crate::good_quantiles::GoodQuantiles;
use crate::patchcore::PatchCore;

impl PatchCore {
    /// A model whose banks were changed: what stays known of it, and a passport of its own.
    pub(crate) fn after_change(
        self,
        good_quantiles: Option<GoodQuantiles>,
        coverage: Vec<Coverage>,
    ) -> Result<Self, FitError> {
        let model = self.with_good_quantiles(good_quantiles).with_coverage(coverage).with_own_passport();
        model.map_err(|error| FitError::of_photo(error, 0))
    }
}
