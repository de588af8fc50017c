//! `patchcore demo`: the whole main job on the photos that ship with the program.

use std::path::Path;

use anyhow::Context;
use patchcore::write_beside_and_rename;

use crate::arguments::{Demo, Evaluate, Fit, Loading, MapGeometry, ModelSource, STRESS_PHOTOS};
use crate::commands::{evaluate, fit};
use crate::outcome::Outcome;
use crate::output;
use crate::output::make_folder;

pub fn run(arguments: &Demo) -> anyhow::Result<Outcome> {
    let out = &arguments.output;
    let data = out.join("flange");
    unpack(&data, arguments.force)?;
    let photos =
        format!("Photos of a machined part, drawn by this project's own generator, are in {}.\n", data.display());
    if arguments.photos_only {
        output::print(&photos)?;
        return Ok(Outcome::Done);
    }
    output::print(&format!(
        "{photos}The network is EfficientNet-Lite0 up to block 7, pretrained on ImageNet, embedded in this program.\n\n"
    ))?;
    let model = out.join("model.patchcore");
    let fit = Fit::with_defaults(&data, &model, arguments.compute.clone())?;
    fit::fit(&Fit { force: arguments.force, ..fit })?;
    let loading = Loading { weights: Vec::new(), compute: arguments.compute.clone(), allow_drift: false };
    let source = ModelSource { model, loading };
    let (outcome, _) = evaluate::evaluate(&Evaluate {
        source,
        data: data.clone(),
        output: out.clone(),
        from: None,
        force: arguments.force,
        font: None,
        no_overlays: false,
        authors_normalization: false,
        no_intervals: false,
        no_report: false,
        stress: false,
        stress_photos: STRESS_PHOTOS,
        map_geometry: MapGeometry::Input,
        min_area: 0.0,
    })?;
    output::print(&format!(
        "\nLook at\n  {}  the report: open it in a browser\n  {}/overlays/<kind>/  photo, heat map and truth of every test photo\n  {}  the metrics\n  {}  one \
         line per photo\nThen fit on your own photos:\n  patchcore fit --data FOLDER_OF_GOOD_PHOTOS -o my.patchcore\n  \
         patchcore score --model my.patchcore NEW_PHOTO --overlays out\n",
        out.join("report.html").display(),
        out.display(),
        out.join("metrics.json").display(),
        out.join("scores.csv").display(),
    ))?;
    output::next("patchcore fit --data FOLDER_OF_GOOD_PHOTOS -o my.patchcore");
    Ok(outcome)
}

/// Writes the demo's photos, unless they are there already.
fn unpack(data: &Path, force: bool) -> anyhow::Result<()> {
    for file in patchcore_assets::demo_files() {
        let path = data.join(file.path);
        let found = std::fs::read(&path).unwrap_or_default();
        if found == file.bytes {
            continue;
        }
        anyhow::ensure!(
            found.is_empty() || force,
            "cannot write {}: another file is there than the demo's; name another folder with -o, or replace it with --force",
            path.display()
        );
        make_folder(path.parent().context("a demo file without a folder")?)?;
        write_beside_and_rename(&path, file.bytes)?;
    }
    Ok(())
}
