//! What a check begins with: photos to fit on and photos to score, two models that the CPU fitted, and the CPU's scores of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use patchcore::{Mode, Model, Save, Scored, Settings, good_images, photos_in, write_beside_and_rename};
use serde::{Deserialize, Serialize};

use super::found::Made;
use crate::machine::machine;
use crate::output::make_folder;
use crate::utc;

/// The modes of the models: one whose photos go through a GPU together, and this project's own.
pub const MODES: [Mode; 2] = [Mode::Paper, Mode::Line];

const ANSWERS: &str = "answers.json";

/// Recorded answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Recorded {
    version: u32,
    /// Where they come from.
    pub made: Made,
    /// Of each model.
    pub models: Vec<OfModel>,
}

/// A model's answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct OfModel {
    /// Name of its mode.
    pub mode: String,
    /// Its file, in the folder.
    pub file: String,
    /// Rows of its banks.
    pub bank_rows: Vec<usize>,
    /// Of each photo, in order.
    pub photos: Vec<OfPhoto>,
}

/// A photo's answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct OfPhoto {
    /// Its file's name.
    pub name: String,
    pub score: f32,
    /// The largest value of its map.
    pub map_max: f32,
    /// Centre of its worst patch, in pixels of the photo: column, row.
    pub worst_at: (f64, f64),
}

impl OfPhoto {
    /// Of a score; `None` for a photo that has none.
    pub fn of(scored: Scored) -> Option<Self> {
        let name = Path::new(&scored.name).file_name()?.to_string_lossy().into_owned();
        let score = scored.result.ok()?;
        Some(Self { name, score: score.score, map_max: score.map.max(), worst_at: score.worst_at })
    }
}

/// A folder that is there.
pub struct Folder;

impl Folder {
    /// Reads the answers.
    ///
    /// # Errors
    /// It is no such folder, or of another version.
    pub fn open(folder: &Path) -> anyhow::Result<Recorded> {
        let path = folder.join(ANSWERS);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("cannot read {}: --from takes a folder that --prepare has made", path.display())
        })?;
        let recorded: Recorded =
            serde_json::from_str(&text).with_context(|| format!("{} is of another form", path.display()))?;
        ensure!(recorded.version == 1, "{} is of version {}, expected 1", path.display(), recorded.version);
        Ok(recorded)
    }
}

/// The photos to fit on, in order.
pub fn to_fit(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(good_images(&folder.join("fit"))?)
}

/// The photos to score, in order.
pub fn to_score(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(photos_in(&folder.join("score"))?)
}

/// The settings of a model, on a device.
pub fn settings(mode: Mode, device: &str) -> Settings {
    // The demo's photos have 256 rows.
    Settings { mode, device: device.to_owned(), ..Settings::default() }
}

/// Makes such a folder on the CPU, of so many of the demo's photos to fit on and as many to score.
pub fn prepare(folder: &Path, photos: usize) -> anyhow::Result<()> {
    unpack(folder, photos)?;
    let (fit, score) = (to_fit(folder)?, to_score(folder)?);
    let mut models = Vec::new();
    for mode in MODES {
        let model = Model::fit(&settings(mode, patchcore::DEFAULT_DEVICE), &fit)?;
        let file = format!("{}.patchcore", mode.name());
        // The network is in the program.
        model.save(folder.join(&file), Save::WithoutWeights)?;
        let photos: Option<Vec<OfPhoto>> = model.scores(&score).map(OfPhoto::of).collect();
        let photos = photos.context("a photo of the demo has no score")?;
        let bank_rows = model.banks().iter().map(|bank| bank.len()).collect();
        models.push(OfModel { mode: mode.name().to_owned(), file, bank_rows, photos });
    }
    let made = Made { program: env!("CARGO_PKG_VERSION").to_owned(), date: utc::now(), machine: machine() };
    let json = serde_json::to_string_pretty(&Recorded { version: 1, made, models })?;
    Ok(write_beside_and_rename(&folder.join(ANSWERS), format!("{json}\n").as_bytes())?)
}

/// Writes photos of the demo into `fit`, good ones, and `score`: good ones that the models have not seen, and as many defective ones.
fn unpack(folder: &Path, photos: usize) -> anyhow::Result<()> {
    let of = |part: &str| {
        let part = part.to_owned();
        patchcore_assets::demo_files().iter().filter(move |file| file.path.starts_with(&part))
    };
    let is_photo = |path: &str| path.ends_with(".jpg");
    let fit = of("train/good/").filter(|file| is_photo(file.path)).take(photos);
    let good = of("test/good/").filter(|file| is_photo(file.path)).take(photos - photos / 2);
    let defective: Vec<_> =
        of("test/").filter(|file| !file.path.starts_with("test/good/") && is_photo(file.path)).collect();
    // Of every kind of defect: they stand in the order of their kinds.
    let count = photos / 2;
    let defective = (0..count).filter_map(|at| defective.get(at * defective.len() / count).copied());
    let placed = fit.map(|file| ("fit", file)).chain(good.chain(defective).map(|file| ("score", file)));
    let mut written = 0;
    for (place, file) in placed {
        make_folder(&folder.join(place))?;
        // `test/dent/000.jpg`: dent-000.jpg.
        let name: Vec<&str> = file.path.rsplit('/').take(2).collect();
        let name: Vec<&str> = name.into_iter().rev().collect();
        write_beside_and_rename(&folder.join(place).join(name.join("-")), file.bytes)?;
        written += 1;
    }
    ensure!(written == 2 * photos, "the demo has {written} photos for the check, expected {}", 2 * photos);
    Ok(())
}
