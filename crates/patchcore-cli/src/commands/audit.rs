//! `patchcore audit`: the training photos ranked by how little they are like the others, with crops.

use std::path::Path;

use anyhow::Context;
use patchcore::{AuditOptions, AuditedPhoto, Limits, Model, Photo, path_of_text, path_text, write_beside_and_rename};
use patchcore_report::{Lettering, Pair, crop_around, to_png};
use serde::Serialize;

use crate::arguments::{Audit as Arguments, Format};
use crate::data::{self, Use};
use crate::lettering::lettering;
use crate::outcome::Outcome;
use crate::output;
use crate::output::make_folder;
use crate::progress::Display;

/// Share of a photo's longer side that a crop shows.
const CROP_SHARE: u32 = 4;

/// One line of the ranking.
#[derive(Serialize)]
struct Row {
    rank: usize,
    image_path: String,
    score: f32,
    /// Score over the median of all photos.
    ratio: f32,
    worst_x: f64,
    worst_y: f64,
    /// The training photo with the nearest patch.
    nearest_other: Option<String>,
    bank_rows: usize,
    first_pick: Option<usize>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let source = &arguments.source;
    let lettering = lettering(arguments.font.as_deref())?;
    let model = crate::device::load(source)?;
    let files = match &arguments.good {
        Some(folder) => data::open(folder, Use::Good)?.training()?.to_vec(),
        None => model.training_files(),
    };
    output::note_unknown_photos(&model);
    let mut display = Display::new();
    let limits = Limits::default();
    let audit = model.audit(&files, AuditOptions::default().progress(|progress| display.show(progress)))?;
    display.finish();
    drop(display);
    for (photo, error) in &audit.rejected {
        tracing::warn!("left out: {}", output::naming(photo, error));
    }
    for photo in &audit.unknown {
        tracing::warn!("left out: {} is no training photo of this model", path_of_text(photo).display());
    }
    anyhow::ensure!(
        !audit.photos.is_empty(),
        "none of the training photos could be audited: give their folder with --good"
    );
    if let Some(folder) = &arguments.output {
        make_folder(folder)?;
        for (rank, photo) in audit.photos.iter().take(arguments.top).enumerate() {
            write_pair(folder, rank + 1, &model, &audit.photos, photo, &limits, &lettering)?;
        }
    }
    let row = |(at, photo): (usize, &AuditedPhoto)| Row {
        rank: at + 1,
        image_path: photo.name.clone(),
        score: photo.score,
        ratio: photo.ratio,
        worst_x: photo.worst_at.0,
        worst_y: photo.worst_at.1,
        nearest_other: photo.nearest_other.image.clone(),
        bank_rows: photo.bank_rows,
        first_pick: photo.first_pick,
    };
    print(&audit.photos.iter().enumerate().map(row).collect::<Vec<Row>>(), arguments.format)?;
    let complete = audit.rejected.is_empty() && audit.unknown.is_empty();
    Ok(if complete { Outcome::Done } else { Outcome::SomeImagesFailed })
}

/// The surroundings of the worst place, a quarter of the photo's longer side wide, beside the patch of another photo that
/// comes nearest, as `<rank>_<name>.png`.
fn write_pair(
    folder: &Path,
    rank: usize,
    model: &Model,
    all: &[AuditedPhoto],
    photo: &AuditedPhoto,
    limits: &Limits,
    lettering: &Lettering,
) -> anyhow::Result<()> {
    let crop = |photo: &Photo, at| {
        let side = (photo.width().max(photo.height()) / CROP_SHARE).max(32);
        crop_around(&photo.to_rgb8(), at, (side, side))
    };
    let own_path = path_of_text(&photo.name);
    let own = crop(&model.open_photo(&own_path, limits)?, photo.worst_at);
    // Where the photos have moved, the other one lies where it was found now.
    let nearest = &photo.nearest_other;
    let found = nearest.origin.and_then(|origin| all.iter().find(|other| other.index == origin.image));
    // The photo is one of those that are audited, or the fit's, wherever that is found.
    let by_name = || nearest.image.as_deref().map(path_of_text);
    let path = found.map(|other| path_of_text(&other.name)).or_else(by_name).unwrap_or_default();
    let other = match found {
        Some(_) => model.open_nearest_at(&path, nearest, limits),
        None => model.open_nearest(nearest, limits),
    };
    if let Err(error) = &other {
        tracing::warn!("no picture of what {} was compared with: {error}", own_path.display());
    }
    let name = |path: &Path| path_text(Path::new(path.file_name().unwrap_or_default()));
    let other = other.ok().map(|other| crop(&other.photo, other.at));
    let pair = Pair {
        title: &format!("score {:.4}, {:.2} times the median", photo.score, photo.ratio),
        left: (&name(&own_path), &own),
        right: (&format!("nearest: {}", name(&path)), other.as_ref()),
        lettering,
    };
    let stem = path_text(Path::new(own_path.file_stem().unwrap_or_default()));
    let file = folder.join(format!("{rank:03}_{stem}.png"));
    let written = write_beside_and_rename(&file, &to_png(&pair.render())?);
    written.with_context(|| format!("cannot write the crops of {}", own_path.display()))
}

fn print(rows: &[Row], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json | Format::Jsonl | Format::Csv => output::print_rows(rows, format),
        Format::Table => {
            let mut text = format!("{:>4}  {:>10}  {:>6}  {:>10}  photo\n", "rank", "score", "ratio", "first pick");
            for row in rows {
                let pick = row.first_pick.map_or("-".to_owned(), |pick| pick.to_string());
                text.push_str(&format!(
                    "{:>4}  {:>10.4}  {:>6.2}  {pick:>10}  {}\n",
                    row.rank, row.score, row.ratio, row.image_path
                ));
            }
            output::print(&text)
        }
    }
}
