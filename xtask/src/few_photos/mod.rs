//! `cargo xtask few-photos`: what 1, 2, 4, 8 and 16 photos of good parts are worth in the modes `paper` and `line`, and with the option that
//! suits the set. Draws of the training photos of three sets; rows of a CSV, which are not measured again, and a picture of curves.

mod curves;
mod row;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;
use patchcore_metrics::{Metric, Results};
use patchcore_testing::find_shared;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::child::{output_of, read_rows, write_rows};
use crate::release_build::release_build;
use crate::tidy::root;
use row::{COUNTS, Row, SETS, Set, VARIANTS};

/// Measure fits on few photos and draw docs/explanation/few-photos.svg.
#[derive(Debug, Args)]
pub struct FewPhotos {
    /// Folder with data/; default: `PATCHCORE_SHARED`, else `../shared`
    #[arg(long)]
    shared: Option<PathBuf>,
    /// The program to run, instead of a release build
    #[arg(long)]
    program: Option<PathBuf>,
    /// Draws of each number of photos
    #[arg(long, default_value_t = 10)]
    draws: u64,
    /// Only the picture, from what has been measured
    #[arg(long)]
    picture: bool,
}

impl FewPhotos {
    /// Measures what the CSV lacks, draw by draw, and draws the picture.
    pub fn run(&self) -> anyhow::Result<()> {
        let path = root().join("benches/results/few-photos.csv");
        let mut rows: Vec<Row> = read_rows(&path)?;
        if !self.picture {
            let Some(shared) = self.shared.clone().map_or_else(|| find_shared(""), |folder| Ok(Some(folder)))? else {
                println!("skipped: no ../shared, whose photographs are what is measured (set PATCHCORE_SHARED)");
                return Ok(());
            };
            let program =
                self.program.clone().map_or_else(|| release_build(&root(), "patchcore-cli", "patchcore", &[]), Ok)?;
            let cases = (0..self.draws).flat_map(|draw| {
                let counts = move |set| COUNTS.map(|photos| (draw, set, photos));
                SETS.iter().flat_map(counts)
            });
            for (draw, set, photos) in cases {
                for variant in VARIANTS {
                    let is_there = |row: &Row| {
                        (row.set.as_str(), row.photos, row.draw, row.variant.as_str())
                            == (set.name, photos, draw, variant)
                    };
                    if rows.iter().any(is_there) {
                        continue;
                    }
                    let row = measure(&program, &shared, set, photos, draw, variant)?;
                    println!("{row:?}");
                    rows.push(row);
                    write_rows(&path, &rows)?;
                }
            }
        }
        std::fs::write(root().join("docs/explanation/few-photos.svg"), curves::picture(&rows))?;
        println!("docs/explanation/few-photos.svg: drawn");
        Ok(())
    }
}

fn measure(program: &Path, shared: &Path, set: &Set, photos: usize, draw: u64, variant: &str) -> anyhow::Result<Row> {
    let folder = tempfile::tempdir()?;
    let (data, good) = (shared.join("data").join(set.name), folder.path().join("good"));
    std::fs::create_dir(&good)?;
    for file in drawn(&data.join("train/good"), photos, draw)? {
        let name = file.file_name().context("a photo without a name")?;
        std::fs::copy(&file, good.join(name))?;
    }
    let (model, out) = (folder.path().join("model.patchcore"), folder.path().join("out"));
    let mut fit = Command::new(program);
    fit.args(["fit", "--mode", if variant == "paper" { "paper" } else { "line" }]);
    fit.args(if variant == "line with option" { set.option } else { &[] });
    output_of(fit.arg("--data").arg(&good).arg("-o").arg(&model))?;
    let mut evaluate = Command::new(program);
    evaluate.args(["evaluate", "--no-overlays", "--no-report", "--no-intervals", "--data"]).arg(&data);
    output_of(evaluate.arg("--model").arg(&model).arg("-o").arg(&out))?;
    let results = Results::from_json(&std::fs::read(out.join("metrics.json"))?)?;
    let value = |metric: &Metric| {
        let value = results.overall.values.get(metric);
        Ok::<f64, anyhow::Error>(value.with_context(|| format!("{} is not defined", metric.key))? * 100.0)
    };
    Ok(Row {
        set: set.name.to_owned(),
        photos,
        draw,
        variant: variant.to_owned(),
        image_auroc: value(&Metric::IMAGE_AUROC)?,
        aupro_05: value(&Metric::AUPRO_05)?,
    })
}

/// So many photos of a folder, without repeats: the same for every variant. A larger number has those of a smaller one.
fn drawn(folder: &Path, photos: usize, draw: u64) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    let mut random = Pcg64Mcg::seed_from_u64(draw);
    let mut chosen = Vec::new();
    while chosen.len() < photos && !files.is_empty() {
        let at = (random.next_u64() % files.len() as u64) as usize;
        chosen.push(files.remove(at));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_has_no_repeats_and_grows() {
        let folder = tempfile::tempdir().unwrap();
        for name in 0..20 {
            std::fs::write(folder.path().join(format!("{name:02}.png")), "").unwrap();
        }
        let of = |photos, draw| drawn(folder.path(), photos, draw).unwrap();
        assert_eq!(of(16, 0)[..4], of(4, 0));
        assert_ne!(of(16, 0), of(16, 1));
        let mut all = of(50, 3);
        assert_eq!(all.len(), 20);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 20);
    }
}
