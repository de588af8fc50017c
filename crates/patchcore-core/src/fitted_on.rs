//! What a model was fitted on, in numbers.

/// What a model was fitted on.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FittedOn {
    /// Number of photos.
    pub images: usize,
    /// Number of patches of all photos, of which the bank keeps some.
    pub patches: usize,
    /// How far good patches are from good patches.
    pub good_scores: GoodScores,
}

impl FittedOn {
    /// Whether there was a fit: a bank from elsewhere knows no photo, and the numbers of good patches are none.
    pub fn is_known(&self) -> bool {
        self.images > 0
    }
}

/// Patch scores of good patches against the bank rows of the *other* training photos, from an even sample of 256: the
/// scale of what is normal, for colours. No threshold: few patches, and a model that has seen their photos.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GoodScores {
    /// Half of the good patches score below, in the unit of the mode's distance.
    pub median: f32,
    /// 99 of 100 good patches score below.
    pub percentile_99: f32,
}
