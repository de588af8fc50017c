//! `patchcore audit`: the training photos ranked by how little they are like the others, with crops.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use patchcore::metrics::threshold::{FEWEST_FOR_OUTLIERS, outliers};
use patchcore::{
    AuditOptions, AuditedPhoto, Limits, Model, one_line, path_of_text, path_text, write_beside_and_rename,
};
use patchcore_report::{Lettering, OwnFile, Pair, to_png};
use serde::Serialize;

use crate::arguments::{Audit as Arguments, Format};
use crate::command_line::shell_path;
use crate::data::{self, Use};
use crate::lettering::lettering;
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;
use crate::report_evidence::boxed;
use crate::row_stream::RowStream;
use crate::write_plan::{Kind, WritePlan};

/// How pictures of pairs end: `001_000.png.pair.png`.
const PAIR: &str = ".pair.png";

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
    /// When the coreset took its first row of this photo, from 1: early ones are unlike what came before.
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
    let others = [Some(source.model.as_path()), arguments.font.as_deref()];
    let plan = WritePlan::new(arguments.force)
        .reads_photos(files.iter().map(PathBuf::as_path))
        .reads(others.into_iter().flatten())
        .reads(source.weights_paths());
    if let Some(folder) = &arguments.output {
        plan.folder(folder)?;
    }
    let mut display = Display::new();
    let limits = Limits::default();
    let audit = model.audit(&files, AuditOptions::default().progress(|progress| display.show(progress)))?;
    display.finish();
    drop(display);
    output::warn_of_rejected(&audit.rejected);
    let unknown = |photo: &String| format!("{} is no training photo of this model", path_of_text(photo).display());
    output::warn_each("left out: ", "photos are left out", &audit.unknown.iter().map(unknown).collect::<Vec<String>>());
    anyhow::ensure!(
        !audit.photos.is_empty(),
        "none of the training photos could be audited: give their folder with --good"
    );
    if let Some(folder) = &arguments.output {
        let mut written = HashSet::new();
        for (rank, photo) in audit.photos.iter().take(arguments.top).enumerate() {
            let name = path_text(Path::new(path_of_text(&photo.name).file_name().unwrap_or_default()));
            let file = folder.join(format!("{:03}_{name}{PAIR}", rank + 1));
            plan.replaced(&file, Kind::Report(OwnFile::Png))?;
            write_pair(&file, &model, &audit.photos, photo, &limits, &lettering)?;
            written.insert(file);
        }
        plan.clear(folder, PAIR, Kind::Report(OwnFile::Png), &|path| written.contains(path));
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
    output::note(&stand_apart(&audit.photos.iter().map(|photo| (photo.score, photo.ratio)).collect::<Vec<_>>()));
    let model = shell_path(&source.model);
    output::next(&match &arguments.output {
        Some(_) => format!("patchcore calibrate --model {model} --good HELD_OUT_PHOTOS"),
        None => format!("patchcore audit --model {model} -o audit"),
    });
    let complete = audit.rejected.is_empty() && audit.unknown.is_empty();
    Ok(if complete { Outcome::Done } else { Outcome::SomeImagesFailed })
}

/// From which ratio on a photo is unlike the others, of scores with their ratios, the largest first.
fn stand_apart(ranked: &[(f32, f32)]) -> String {
    let scores: Vec<f32> = ranked.iter().map(|(score, _)| *score).collect();
    let count = outliers(&scores);
    match count.checked_sub(1).and_then(|last| ranked.get(last)) {
        Some((_, ratio)) => {
            let (stand, first) =
                if count == 1 { ("stands", "first".to_owned()) } else { ("stand", format!("first {count}")) };
            format!(
                "{count} of {} photos {stand} apart from all others, from a ratio of {ratio:.2} on, as one in twenty sets of good parts has \
                 it at most: look at the {first}; take out what is defective and fit again",
                ranked.len()
            )
        }
        None if ranked.len() < FEWEST_FOR_OUTLIERS => format!(
            "{} photos are too few to say which ratio is a reason to worry ({FEWEST_FOR_OUTLIERS} are enough): look at the first ones",
            ranked.len()
        ),
        None => {
            format!(
                "none of {} photos stands apart from the others; look at the first ones where more than a tenth of them may be defective",
                ranked.len()
            )
        }
    }
}

/// The surroundings of the worst place beside the patch of another photo that comes nearest, each patch in a box.
fn write_pair(
    file: &Path,
    model: &Model,
    all: &[AuditedPhoto],
    photo: &AuditedPhoto,
    limits: &Limits,
    lettering: &Lettering,
) -> anyhow::Result<()> {
    let nearest = &photo.nearest_other;
    let member = nearest.member;
    let own_path = path_of_text(&photo.name);
    let own = model.open_photo(&own_path, limits)?;
    let own = boxed(model, &own.to_rgb8(), photo.worst_at, &model.prepare(&own)?.geometry, member);
    // Where the photos have moved, the other one lies where it was found now.
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
    let other = other.ok().map(|other| boxed(model, &other.photo.to_rgb8(), other.at, &other.geometry, member));
    let pair = Pair {
        title: &format!("score {:.4}, {:.2} times the median of all photos", photo.score, photo.ratio),
        left: (&name(&own_path), &own),
        right: (&format!("nearest: {}", name(&path)), other.as_ref()),
        lettering,
    };
    let written = write_beside_and_rename(file, &to_png(&pair.render())?);
    written.with_context(|| format!("cannot write the crops of {}", own_path.display()))
}

fn print(rows: &[Row], format: Format) -> anyhow::Result<()> {
    if format == Format::Table {
        output::print(&format!("{:>4}  {:>10}  {:>6}  photo\n", "rank", "score", "ratio"))?;
    }
    let line =
        |row: &Row| format!("{:>4}  {:>10.4}  {:>6.2}  {}", row.rank, row.score, row.ratio, one_line(&row.image_path));
    let mut stream = RowStream::new(format);
    rows.iter().try_for_each(|row| stream.row(row, line))?;
    stream.end()
}
