//! Fitting: embeddings of good photos in, one by one; a [`PatchCore`] out.

use std::sync::Arc;

use crate::backbone::Backbone;
use crate::bank_builder::{Built, BuiltBank};
use crate::device::ComputeDevice;
use crate::error::FitError;
use crate::extractor::Extractor;
use crate::fit_measures::{even_sample, good_scores_of, joint_good_scores, with_measured_weights};
use crate::fitted_on::FittedOn;
use crate::fitted_patches::{PatchCounts, PhotoEmbedder, SomeRows};
use crate::given_weights::GivenWeights;
use crate::good_quantiles::FittedPhoto;
use crate::image_input::ImageInput;
use crate::leave_one_out::even_photos;
use crate::member_fits::{BuiltMember, MemberFit, Samples, add_rows, check_bank_rows, member_fits};
use crate::patchcore::PatchCore;
use crate::suggestions::{Angles, FEW, LOOKED_AT, LOOKS, Suggestion, is_looked_at, is_turned, of_light};
use patchcore_config::backbone::ActivationRanges;
use patchcore_config::{Checked, LevelScaling, Size};

/// Bytes of a batch's pixels and rows.
const BATCH_BYTES: usize = 32 << 20;

/// A fit in progress: holds the embeddings of all images so far, or with a budget of memory
/// ([`memory`](patchcore_config::PatchCoreConfig::memory)) as many as that allows and representatives of the others.
#[derive(Debug)]
pub struct Fitter {
    extractor: Extractor,
    /// One for each member, from the first photo on.
    members: Vec<MemberFit>,
    /// One for each photo.
    photos: Vec<FittedPhoto>,
    /// Mean brightness of each photo.
    brightness: Vec<f32>,
    /// Rows of the first member of copies that are looked at and not fitted, in the order of [`LOOKS`].
    looks: [Vec<f32>; LOOKS.len()],
    embedder: PhotoEmbedder,
    /// Patches on the finest grid that will come.
    announced: Option<u64>,
    /// What is kept where patches may be dropped.
    samples: Option<Samples>,
}

impl Fitter {
    /// Checks the weights, for members that all name networks of the catalogue: see [`Extractor::new`].
    ///
    /// # Errors
    /// [`FitError::Backbone`] and [`FitError::Device`].
    pub fn new<'a>(
        config: Checked,
        weights: impl Into<GivenWeights<'a>>,
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        Ok(Self::with_extractor(Extractor::new(config, weights, device)?))
    }

    /// [`Fitter::new`] for a configuration with networks of int8, whose activation ranges a [`RangeSurvey`](crate::RangeSurvey) of the
    /// same photos has measured. A configuration without such a network has none: an empty slice.
    ///
    /// # Errors
    /// As [`Fitter::new`]; [`BackboneError::NotOneRangesEach`](crate::error::BackboneError::NotOneRangesEach) for a survey of another
    /// configuration.
    pub fn with_ranges<'a>(
        config: Checked,
        weights: impl Into<GivenWeights<'a>>,
        ranges: &[ActivationRanges],
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        Ok(Self::with_extractor(Extractor::with_ranges(config, weights, ranges, device)?))
    }

    /// [`Fitter::with_backbones`] with activation ranges: see [`Fitter::with_ranges`].
    ///
    /// # Errors
    /// As both.
    pub fn with_backbones_and_ranges(
        config: Checked,
        backbones: &[Arc<dyn Backbone>],
        ranges: &[ActivationRanges],
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        Ok(Self::with_extractor(Extractor::with_backbones_and_ranges(config, backbones, ranges, device)?))
    }

    /// A fit with networks of the caller's, one for each member: see [`Extractor::with_backbones`].
    ///
    /// # Errors
    /// As [`Fitter::new`].
    pub fn with_backbones(
        config: Checked,
        backbones: &[Arc<dyn Backbone>],
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        Ok(Self::with_extractor(Extractor::with_backbones(config, backbones, device)?))
    }

    fn with_extractor(extractor: Extractor) -> Self {
        Self {
            extractor,
            members: Vec::new(),
            photos: Vec::new(),
            brightness: Vec::new(),
            looks: Default::default(),
            embedder: PhotoEmbedder::default(),
            announced: None,
            samples: None,
        }
    }

    /// Says before the first photo how many patches will come: those of all photos on the finest grid of all members, as in
    /// [`Fitter::memory_bytes`]. With a budget of memory a share of them is how many rows the banks will have, and where all fit, all are
    /// held. Without a budget of no effect.
    pub fn announce(&mut self, patches: u64) {
        self.announced = Some(patches);
    }

    /// Makes the banks, before the first photo.
    fn begin(&mut self) -> Result<(), FitError> {
        if self.members.is_empty() {
            self.members = member_fits(&self.extractor, self.announced)?;
            self.samples = Samples::of(&self.extractor);
        }
        Ok(())
    }

    /// The frozen part.
    pub fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// Adds one photo of a good part.
    ///
    /// # Errors
    /// [`FitError::Input`], [`FitError::Device`] and [`FitError::NotFinite`]; the fitter is as it was before.
    pub fn add(&mut self, image: ImageInput<'_>) -> Result<(), FitError> {
        self.add_within(image, None)
    }

    /// [`Fitter::add`] for the patches that touch a pixel `inside`, `[height, width]` row by row; all without it. With
    /// [`tiling`](patchcore_config::PatchCoreConfig::tiling) the network sees one tile after the other.
    ///
    /// # Errors
    /// As [`Fitter::add`]. With a budget of memory also [`FitError::BudgetTooSmall`], for the first photo; [`FitError::CapacityTooSmall`],
    /// [`FitError::CoverageOverBudget`], and [`FitError::Device`] while patches are dropped: after these the fitter is of no use.
    pub fn add_within(&mut self, image: ImageInput<'_>, inside: Option<&[bool]>) -> Result<(), FitError> {
        self.add_all(&[(image, inside)])
    }

    /// Adds photos one after the other, or none of them.
    fn add_all(&mut self, photos: &[(ImageInput<'_>, Option<&[bool]>)]) -> Result<(), FitError> {
        self.begin()?;
        let before = self.mark();
        let first = self.photos.len();
        let embedded = photos.iter().enumerate().map(|(at, (image, inside))| {
            let counts = self.embed_photo(first + at, *image, *inside)?;
            if inside.is_none() {
                self.look_at(first + at, *image)?;
            }
            Ok(counts)
        });
        match embedded.collect::<Result<Vec<_>, FitError>>() {
            Ok(counts) => self.take(photos, &counts),
            Err(error) => {
                self.back_to(&before);
                Err(error)
            }
        }
    }

    /// Makes the rows of a photo and of its copies, which wait where patches may be dropped.
    fn embed_photo(
        &mut self,
        number: usize,
        image: ImageInput<'_>,
        inside: Option<&[bool]>,
    ) -> Result<PatchCounts, FitError> {
        let Self { extractor, members, embedder, samples, .. } = self;
        let mut added = Ok(());
        let counts = embedder.embed(extractor, number, image, inside, &mut |member, rows, origins| {
            add_rows(members, samples.as_mut(), member, rows, origins, &mut added);
        })?;
        added?;
        Ok(counts)
    }

    /// [`Fitter::embed_photo`] for whole photos of one size, at once.
    fn embed_batch(&mut self, images: &[ImageInput<'_>]) -> Result<Vec<PatchCounts>, FitError> {
        let Self { extractor, members, embedder, samples, photos, .. } = self;
        let mut added = Ok(());
        embedder.embed_batch(extractor, photos.len(), images, &mut |member, rows, origins| {
            add_rows(members, samples.as_mut(), member, rows, origins, &mut added);
        })?;
        added?;
        let of_photo = |image: &ImageInput<'_>| {
            let cells = extractor.members().iter().map(|shape| shape.grid(image.height, image.width).cells());
            let own: Vec<usize> = cells.collect();
            PatchCounts { all: own.clone(), own }
        };
        Ok(images.iter().map(of_photo).collect())
    }

    /// What there is before a photo: patches of each member, photos, looks.
    fn mark(&self) -> Mark {
        Mark {
            patches: self.members.iter().map(|member| member.builder.patches()).collect(),
            photos: self.photos.len(),
            looks: self.looks.each_ref().map(Vec::len),
        }
    }

    /// Forgets what came since, of which nothing has been taken into a bank that drops patches.
    fn back_to(&mut self, mark: &Mark) {
        for (member, patches) in self.members.iter_mut().zip(&mark.patches) {
            if self.samples.is_none() {
                member.builder.truncate(*patches);
            }
            member.own.truncate(mark.photos);
        }
        if let Some(samples) = &mut self.samples {
            samples.waiting.iter_mut().for_each(SomeRows::clear);
        }
        self.photos.truncate(mark.photos);
        self.brightness.truncate(mark.photos);
        self.looks.iter_mut().zip(mark.looks).for_each(|(looks, length)| looks.truncate(length));
    }

    /// Takes photos whose rows are here, or wait.
    fn take(&mut self, photos: &[(ImageInput<'_>, Option<&[bool]>)], counts: &[PatchCounts]) -> Result<(), FitError> {
        let first = self.photos.len();
        for (image, inside) in photos {
            let inside = inside.map(|inside| self.shared_inside(inside));
            self.photos.push(FittedPhoto { size: (image.height, image.width), inside });
            self.brightness.push(mean_brightness(image.pixels));
        }
        self.keep_samples(first, counts);
        for (number, member) in self.members.iter_mut().enumerate() {
            let waiting = self.samples.as_mut().and_then(|samples| samples.waiting.get_mut(number));
            let added = counts.iter().filter_map(|counts| counts.all.get(number)).sum();
            let patches = usize::try_from(member.builder.patches()).unwrap_or(usize::MAX);
            let mut start = if waiting.is_some() { patches } else { patches.saturating_sub(added) };
            for counts in counts {
                let of = |counts: &[usize]| counts.get(number).copied().unwrap_or(0);
                member.own.push(start + of(&counts.own));
                start += of(&counts.all);
            }
            if let Some(waiting) = waiting {
                let added = member.builder.add(&waiting.rows, &waiting.origins);
                waiting.clear();
                added?;
            }
        }
        if self.is_reduced() {
            // Of photos whose patches are not all held any more no one asks which they are, or which pixels count.
            let is_first = self.members.iter().any(|member| member.own.len() > counts.len());
            let unknown = if is_first { 0 } else { first };
            self.photos.iter_mut().skip(unknown).for_each(|photo| photo.inside = None);
            self.members.iter_mut().for_each(|member| member.own = Vec::new());
        }
        Ok(())
    }

    /// Whether patches have been dropped.
    fn is_reduced(&self) -> bool {
        self.members.iter().any(|member| member.builder.is_reduced())
    }

    /// Keeps what is to be measured by in the end of photos whose rows wait, from the `first` one on.
    fn keep_samples(&mut self, first: usize, counts: &[PatchCounts]) {
        let Some(Samples { waiting, even, whole, first: first_rows }) = &mut self.samples else { return };
        for (even, waiting) in even.iter_mut().zip(waiting.iter()) {
            even.add(&waiting.rows, &waiting.origins);
        }
        let shapes = self.extractor.members();
        let mut starts = vec![0; shapes.len()];
        for (number, counts) in (first..).zip(counts) {
            let Some(photo) = self.photos.get(number) else { continue };
            let of_member = |member: usize| {
                let (start, own) = (starts.get(member)?, counts.own.get(member)?);
                let (rows, origins) = waiting.get(member)?.part(shapes.get(member)?.dim, *start..*start + *own);
                Some(SomeRows { rows: rows.to_vec(), origins: origins.to_vec() })
            };
            whole.add(number, photo, || (0..shapes.len()).filter_map(of_member).collect());
            if is_looked_at(number, photo.size) && self.extractor.config().tiling.is_whole() {
                first_rows.extend(of_member(0).map(|own| own.rows));
            }
            if number == FEW {
                // Of so many photos nothing is suggested by their angle.
                *first_rows = Vec::new();
                self.looks = Default::default();
            }
            starts.iter_mut().zip(&counts.all).for_each(|(start, all)| *start += all);
        }
    }

    /// Looks at what turned and mirrored copies of a photo would give: for [`Fitter::suggestions`].
    fn look_at(&mut self, number: usize, image: ImageInput<'_>) -> Result<(), FitError> {
        let config = self.extractor.config();
        if !is_turned(number, (image.height, image.width)) || !config.tiling.is_whole() {
            return Ok(());
        }
        let (_, deepest) = config.strides();
        let (mut pixels, mut counts) = (Vec::new(), Vec::new());
        for (copy, looks) in LOOKS.into_iter().zip(&mut self.looks) {
            // All of it, with the repeated edge in its corners: the photos that are compared have borders too.
            copy.make(image, None, deepest as usize, &mut pixels, &mut counts);
            let copied = ImageInput { pixels: &pixels, ..image };
            let looked = self.embedder.look(&self.extractor, copied, |rows| looks.extend_from_slice(rows));
            looked.map_err(|error| FitError::of_photo(error, number))?;
        }
        Ok(())
    }

    /// Options that the photos so far speak for, from the brightness of all and the angle of the first few; the latter can be said once.
    ///
    /// # Errors
    /// [`FitError::Device`].
    pub fn suggestions(&mut self) -> Result<Vec<Suggestion>, FitError> {
        let looks = std::mem::take(&mut self.looks);
        let config = self.extractor.config();
        let light = of_light(&self.brightness).filter(|_| config.copies.light.is_empty());
        let Some(member) = self.members.first() else { return Ok(light.into_iter().collect()) };
        let (mut plain, mut unseen) = (Vec::new(), Vec::new());
        let kept = self.samples.as_ref().map(|samples| &samples.first).filter(|_| self.is_reduced());
        for number in 0..self.photos.len().min(LOOKED_AT) {
            let rows = match kept {
                Some(kept) => kept.get(number).map(Vec::as_slice).unwrap_or_default(),
                None => member.of_image(self.extractor.dim(), number).0,
            };
            match number.is_multiple_of(2) {
                true => plain.extend_from_slice(rows),
                false => unseen.push(rows.to_vec()),
            }
        }
        let angles = Angles { dim: self.extractor.dim(), plain, copied: &looks, unseen, photos: self.photos.len() };
        let angle = angles.suggestion(config.copies.turned, self.extractor.engine())?;
        Ok(light.into_iter().chain(angle).collect())
    }

    /// How many photos of such a size to give [`Fitter::add_batch`] at once: see [`Extractor::batch_size`], and at most 32
    /// MiB of pixels and rows on the host.
    pub fn batch_size(&self, height: usize, width: usize) -> usize {
        let rows = self.extractor.members().iter().map(|member| member.grid(height, width).cells() * member.dim);
        let values = 3 * height * width + rows.sum::<usize>();
        // A photo has pixels; one goes at once whatever it takes.
        self.extractor.batch_size(height, width, 0).min((BATCH_BYTES / (4 * values)).max(1))
    }

    /// Adds whole photos of one size: up to a GPU's rounding the same as [`Fitter::add`] one after the other, with one
    /// upload and one read-back.
    ///
    /// # Errors
    /// As [`Fitter::add`], and [`FitError::Input`] for photos of several sizes; then none of them is added.
    pub fn add_batch(&mut self, images: &[ImageInput<'_>]) -> Result<(), FitError> {
        self.begin()?;
        let photos: Vec<(ImageInput<'_>, Option<&[bool]>)> = images.iter().map(|image| (*image, None)).collect();
        let config = self.extractor.config();
        if !config.tiling.is_whole() || !config.copies.is_none() {
            return self.add_all(&photos);
        }
        let before = self.mark();
        let first = self.photos.len();
        let embedded = self.embed_batch(images).and_then(|counts| {
            (first..).zip(images).try_for_each(|(number, image)| self.look_at(number, *image))?;
            Ok(counts)
        });
        match embedded {
            Ok(counts) => self.take(&photos, &counts),
            Err(error) => {
                self.back_to(&before);
                Err(error)
            }
        }
    }

    /// The pixels that count, kept once where photo after photo has the same.
    fn shared_inside(&self, inside: &[bool]) -> Arc<[bool]> {
        let last = self.photos.last().and_then(|photo| photo.inside.as_ref());
        last.filter(|last| ***last == *inside).map_or_else(|| Arc::from(inside), Arc::clone)
    }

    /// Number of photos added.
    pub fn images(&self) -> usize {
        self.photos.len()
    }

    /// Number of patches of all photos, of all members.
    pub fn patches(&self) -> usize {
        self.members.iter().map(|member| usize::try_from(member.builder.patches()).unwrap_or(usize::MAX)).sum()
    }

    /// Selects the coreset of every member and gives the fitted model. `progress` gets picks so far and their total, and returns
    /// false to stop.
    ///
    /// # Errors
    /// [`FitError::Config`], [`FitError::NoImages`], [`FitError::EmptyCoreset`], [`FitError::TooFewRows`], [`FitError::Device`] and
    /// [`FitError::Cancelled`].
    pub fn finish(self, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<PatchCore, FitError> {
        let (images, patches) = (self.photos.len(), self.patches());
        let Self { extractor, members, photos, samples, .. } = self;
        let size = |photo: &FittedPhoto| Size { width: photo.size.1 as u32, height: photo.size.0 as u32 };
        let mut config = extractor.config().clone().after_the_fit(photos.iter().map(size))?.into_config();
        if patches == 0 {
            return Err(FitError::NoImages);
        }
        for member in &members {
            check_bank_rows(&config, member.builder.patches())?;
        }
        let total: usize = members.iter().map(|member| member.builder.rows_to_come()).sum();
        let (mut done, mut built, mut coverage) = (0, Vec::new(), Vec::new());
        for (member, rules) in members.into_iter().zip(&mut config.members) {
            let MemberFit { builder, own } = member;
            let count = builder.rows_to_come();
            let Built { bank: BuiltBank { bank, coverage: found, level_factors }, all } =
                builder.build(&mut |picked| progress(done + picked, total))?;
            done += count;
            if !level_factors.is_empty() {
                rules.level_scaling = LevelScaling::EqualVariance { of_the_fit: level_factors };
            }
            coverage.push(found);
            built.push(BuiltMember { bank, own, all });
        }
        if let Some(few) = built.iter().find(|member| member.bank.len() < config.bank_rows_needed()) {
            return Err(FitError::TooFewRows { num_neighbors: config.num_neighbors, rows: few.bank.len() });
        }
        let mut config = config.check()?;
        let extractor = extractor.with_config(config.clone());
        let samples = samples.map(|samples| samples.scaled(&extractor));
        let mut good_scores = Vec::new();
        for (number, member) in built.iter().enumerate() {
            let dim = member.bank.dim();
            let all = member.all.as_ref().map(|(rows, origins)| even_sample(rows, dim, origins));
            let some = || {
                samples.as_ref().and_then(|samples| samples.even.get(number)).map(|even| even.all()).unwrap_or_default()
            };
            good_scores.push(good_scores_of(&config, &all.unwrap_or_else(some), images, &member.bank));
        }
        if config.members.iter().any(|member| !member.weighting.is_as_given()) {
            config = with_measured_weights(config, &good_scores)?;
        }
        let extractor = extractor.with_config(config.clone());
        let fitted_on = FittedOn { images, patches, good_scores: joint_good_scores(&config, &good_scores) };
        let banks = built.iter().map(|member| member.bank.clone()).collect();
        let model = PatchCore::new(extractor, banks, fitted_on)?.with_own_passport();
        let model = model.map_err(|error| FitError::of_photo(error, 0))?;
        let is_whole = built.iter().all(|member| member.all.is_some());
        let quantiles = match samples.filter(|_| !is_whole) {
            None => model.measure_good(even_photos(&photos), |member, image| match built.get(member) {
                Some(member) => member.of_image(image),
                None => (&[], &[]),
            }),
            Some(Samples { whole, .. }) => {
                let photos = whole.photos.iter().map(|whole| (whole.image, &whole.photo));
                model.measure_good(photos, |member, image| whole.of_image(member, image))
            }
        };
        Ok(model.with_good_quantiles(quantiles?).with_coverage(coverage))
    }
}

/// Where a fit was before a photo.
struct Mark {
    patches: Vec<u64>,
    photos: usize,
    looks: [usize; LOOKS.len()],
}

fn mean_brightness(pixels: &[f32]) -> f32 {
    (pixels.iter().map(|value| f64::from(*value)).sum::<f64>() / pixels.len().max(1) as f64) as f32
}
