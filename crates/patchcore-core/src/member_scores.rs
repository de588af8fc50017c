//! What each member of a model says by itself of a photo: for comparisons of ways to join members.

use crate::error::ScoreError;
use crate::finish::grow_map;
use crate::image_input::ImageInput;
use crate::patchcore::{ImageScore, PatchCore, Scratch};
use crate::scoring::AnomalyMap;

/// What one member of a model says of a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberScore {
    /// Its largest patch score, in the unit of the configuration's distance.
    pub score: f32,
    /// Its own map, one score per pixel of the network's input.
    pub map: AnomalyMap,
}

impl PatchCore {
    /// [`PatchCore::score_within`], and what each member says by itself, in the order of the configuration: for comparisons of ways to
    /// join members. It takes the memory of a map a member.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn score_members(
        &self,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
    ) -> Result<(ImageScore, Vec<MemberScore>), ScoreError> {
        let inside = image.part(inside);
        let (mut scratch, mut result, mut members) = (Scratch::default(), ImageScore::default(), Vec::new());
        let parts = self.score_steps(image, inside, &mut scratch, &mut |_| ())?;
        for ((member, patches), cells) in self.members().iter().zip(&scratch.patches).zip(parts.members()) {
            let size = (image.height, image.width);
            let grower = member.grower(cells.grid, size, self.config(), self.extractor().engine())?;
            let mut map = AnomalyMap::default();
            grow_map(&grower, &patches.scores, cells.wanted.as_deref().zip(inside), &mut map)?;
            // A member of which no cell counts has the lowest score that there is.
            members.push(MemberScore { score: patches.worst_score().unwrap_or(0.0), map });
        }
        self.join(&parts, image, inside, &mut scratch, &mut result)?;
        Ok((result, members))
    }
}
