//! Which size should the network's input have, where a photo's own would be no whole number of grid cells? Rules side by side, on real
//! test sets: the table of `docs/reference/view.md`.
//!
//! `cargo run --release --example view_rules -- BACKBONE WEIGHTS SEEDS SHORT CATEGORY[@WxH]...` (WEIGHTS: `-` for embedded ones;
//! SHORT: the short side after the resize, 256 in mode `paper`; `@WxH`: every photo and mask is first cut to so many pixels of its top
//! left corner).
//!
//! Pixels are counted in the photos' own geometry, so that views of different sizes are judged on the same pixels.

use std::path::Path;
use std::time::Instant;

use patchcore::config::{InputSizes, View};
use patchcore::metrics::{LabelledMap, image_metrics, pixel_metrics};
use patchcore::{DataSet, Geometry, Limits, MaskSurvey, Model, Photo, Resize, Settings, Size};
use patchcore_io::{TruthMask, prepare};

type Failed = Box<dyn std::error::Error>;

/// A rule: the input sizes of the fit's photos, then of the others.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// As the aspect ratio gives it.
    Own,
    /// Both sides to whole strides; a scored photo takes a size of the fit that is less than a stride from its own.
    Round,
    /// The same, but where all photos of the fit have one size, that one is kept.
    Keep,
    /// The first photo keeps its size; every other takes a size already there that is less than a stride from its own, else it is
    /// rounded.
    KeepFirst,
}

const RULES: [(&str, Rule); 4] =
    [("own", Rule::Own), ("round", Rule::Round), ("keep", Rule::Keep), ("keep first", Rule::KeepFirst)];

impl Rule {
    fn fitted(self, own: &[Size], stride: u32) -> Vec<Size> {
        let rounded = |own: &[Size]| own.iter().map(|size| InputSizes::whole_cells(stride).of(*size)).collect();
        match self {
            Rule::Own => own.to_vec(),
            Rule::Keep if own.iter().all(|size| Some(size) == own.first()) => own.to_vec(),
            Rule::Round | Rule::Keep => rounded(own),
            Rule::KeepFirst => {
                let mut known: Vec<Size> = own.iter().take(1).copied().collect();
                for size in own.iter().skip(1) {
                    known.push(InputSizes::whole_cells(stride).after_the_fit(known.iter().copied()).of(*size));
                }
                known
            }
        }
    }

    fn scored(self, own: Size, fitted: &[Size], stride: u32) -> Size {
        match self {
            Rule::Own => own,
            _ => InputSizes::whole_cells(stride).after_the_fit(fitted.iter().copied()).of(own),
        }
    }
}

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backbone, weights, seeds, short, sets @ ..] = arguments.as_slice() else {
        return Err("usage: view_rules BACKBONE WEIGHTS SEEDS SHORT CATEGORY[@WxH]...".into());
    };
    let (seeds, short): (u64, u32) = (seeds.parse()?, short.parse()?);
    let weights = (weights != "-").then(|| Path::new(weights).to_owned());
    println!(
        "| set | rule | inputs | image AUROC | pixel AP | AUPRO 30 % | AUPRO 5 % |\n|---|---|---|---|---|---|---|"
    );
    for set in sets {
        let (folder, cut) = set.split_once('@').map_or((set.as_str(), None), |(folder, cut)| (folder, Some(cut)));
        let cut = cut.map(|cut| -> Result<Size, Failed> {
            let (width, height) = cut.split_once('x').ok_or("WxH")?;
            Ok(Size { width: width.parse()?, height: height.parse()? })
        });
        let cut = cut.transpose()?;
        let data = DataSet::open(Path::new(folder))?;
        let open = |path: &Path| -> Result<Photo, Failed> {
            let photo = Photo::open(path, &Limits::default())?;
            let Some(Size { width, height }) = cut else { return Ok(photo) };
            Ok(Photo::from_dynamic(image::DynamicImage::from(photo.to_rgb8()).crop_imm(0, 0, width, height)))
        };
        let trained = data.train.iter().map(|path| open(path)).collect::<Result<Vec<_>, _>>()?;
        let mut tested = Vec::new();
        for image in &data.test {
            let photo = open(&image.path)?;
            let masks = image.masks.iter().map(|mask| open(mask)).collect::<Result<Vec<_>, _>>()?;
            let truth = TruthMask::new(&masks, photo.size(), &MaskSurvey::of(&masks))?.on_photo(None).0.data;
            tested.push((photo, image.is_anomalous, (!masks.is_empty()).then_some(truth)));
        }
        let labels: Vec<bool> = tested.iter().map(|(_, is_anomalous, _)| *is_anomalous).collect();
        let mut done: Vec<(Vec<Size>, Vec<Size>, [f64; 4])> = Vec::new();
        for (name, rule) in RULES {
            let settings = Settings { backbone: backbone.clone(), weights: weights.clone(), ..Settings::default() };
            let config = settings.config()?;
            let view = View::resized(Resize::Short(short), config.view.resampling);
            let stride = config.strides().1;
            let own = |photo: &Photo| Ok::<Size, Failed>(Geometry::new("", photo.size(), &view)?.input);
            let own_sizes = trained.iter().map(own).collect::<Result<Vec<_>, _>>()?;
            let fitted = rule.fitted(&own_sizes, stride);
            let scored = tested.iter().map(|(photo, ..)| Ok(rule.scored(own(photo)?, &fitted, stride)));
            let scored = scored.collect::<Result<Vec<_>, Failed>>()?;
            let mut sum = [0.0; 4];
            let same = done.iter().find(|(before, after, _)| (before, after) == (&fitted, &scored));
            if let Some((.., values)) = same {
                sum = *values;
            } else {
                for seed in 0..seeds {
                    let settings = Settings { seed, ..settings.clone() };
                    let input = |photo: &Photo, size: Size| {
                        let view = View::resized(Resize::Exact(size), config.view.resampling);
                        Ok::<_, patchcore::Error>(prepare(photo, &view)?)
                    };
                    let started = Instant::now();
                    let model =
                        Model::fit(&settings, trained.iter().zip(&fitted).map(|(photo, size)| input(photo, *size)))?;
                    eprintln!("{set} {name} seed {seed}: fit {:.1} s", started.elapsed().as_secs_f64());
                    let (mut scores, mut maps) = (Vec::new(), Vec::new());
                    for ((photo, ..), size) in tested.iter().zip(&scored) {
                        let score = model.score_input(&input(photo, *size)?)?;
                        scores.push(score.score);
                        maps.push(score.on_photo().map);
                    }
                    let labelled: Vec<LabelledMap<'_>> = maps
                        .iter()
                        .zip(&tested)
                        .map(|(map, (.., mask))| LabelledMap {
                            width: map.width,
                            height: map.height,
                            scores: &map.scores,
                            mask: mask.as_deref(),
                            inside: None,
                        })
                        .collect();
                    let (image, pixel) = (image_metrics(&scores, &labels)?, pixel_metrics(&labelled)?);
                    for (sum, value) in sum.iter_mut().zip([image.auroc, pixel.ap, pixel.aupro_30, pixel.aupro_05]) {
                        *sum += value * 100.0 / seeds as f64;
                    }
                }
                done.push((fitted.clone(), scored.clone(), sum));
            }
            let distinct: std::collections::HashSet<Size> = fitted.iter().chain(&scored).copied().collect();
            let [image, ap, pro_30, pro_05] = sum.map(|value| format!("{value:.2}"));
            println!("| {set} | {name} | {} | {image} | {ap} | {pro_30} | {pro_05} |", distinct.len());
        }
    }
    Ok(())
}
