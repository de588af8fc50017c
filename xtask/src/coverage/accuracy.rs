//! What a budget costs: fits of the published sets, judged on their test photos. A seed draws nine tenths of a set's photos and their order:
//! the greedy selection over all patches does not depend on an order, so that one bank a set would be one sample of chance.

use std::path::Path;

use patchcore_config::{Architecture, Mode, PatchCoreConfig, ProjectionRule};

use super::photos;
use super::program::{Program, all_rows, radius_measured, radius_told};
use super::row::Accuracy;
use crate::child::write_rows;

/// The sets, in which many photos are of one part and few of many.
pub const SETS: [&str; 8] = [
    "bottle",
    "magnetic_tile",
    "piped/PA_BDP01_TL",
    "piped/PA_BFT01_TL",
    "piped/PA_BRG01_RL",
    "piped/PA_BRG03_TL",
    "piped/PA_BTN01_RL",
    "piped/PA_FLR01_TL",
];
pub const RATIOS: [f64; 2] = [0.01, 0.1];
/// Shares of the patches that a budget holds.
pub const HELD: [f64; 4] = [1.0, 0.5, 1.0 / 6.0, 0.05];

/// Measures what the table lacks.
pub fn measure(
    program: &Program,
    shared: &Path,
    table: &Path,
    rows: &mut Vec<Accuracy>,
    seeds: u64,
) -> anyhow::Result<()> {
    for seed in 0..seeds {
        for set in SETS {
            for ratio in RATIOS {
                for held in HELD {
                    let is_there = |row: &Accuracy| {
                        row.set == set && row.ratio == ratio && (row.held - held).abs() < 1e-3 && row.seed == seed
                    };
                    // A budget must hold some times the rows that are to stay.
                    if rows.iter().any(is_there) || held < 4.0 * ratio {
                        continue;
                    }
                    let row = one(program, &shared.join("data").join(set), (set, ratio, held, seed))?;
                    println!("{row:?}");
                    rows.push(row);
                    write_rows(table, rows)?;
                }
            }
        }
    }
    Ok(())
}

fn one(program: &Program, data: &Path, (set, ratio, held, seed): (&str, f64, f64, u64)) -> anyhow::Result<Accuracy> {
    const MODEL: &str = "accuracy.patchcore";
    let good = program.work.join(format!("{}-{seed}", set.replace('/', "-")));
    photos::draw(&data.join("train/good"), &good, seed)?;
    let mode = ["--mode", "paper", "--coreset-sampling-ratio", &ratio.to_string(), "--seed", &seed.to_string()];
    let mut options: Vec<String> = mode.iter().map(|word| (*word).to_owned()).collect();
    if held < 1.0 {
        let patches = patches(&good)?;
        options.extend(["--memory".to_owned(), format!("{}B", budget(patches, ratio, held))]);
    }
    program.fit(&good, MODEL, &options)?;
    let inspected = program.inspect(MODEL, Some(&good))?;
    let [image_auroc, aupro_30, aupro_05] = program.evaluate(MODEL, data)?;
    Ok(Accuracy {
        set: set.to_owned(),
        ratio,
        held,
        seed,
        bank_rows: all_rows(&inspected)?,
        radius_told: radius_told(&inspected)?,
        radius: radius_measured(&inspected)?,
        image_auroc,
        aupro_30,
        aupro_05,
    })
}

/// The bytes with which a fit of the paper's mode holds such a share of its patches: docs/explanation/coverage.md has the sum.
fn budget(patches: usize, ratio: f64, held: f64) -> u64 {
    let config: PatchCoreConfig = Mode::Paper.config(Architecture::EFFICIENTNET_LITE0);
    let (capacity, kept) = (patches as f64 * held, patches as f64 * ratio);
    let of_member = |member: &patchcore_config::MemberConfig| {
        let dim = member.embedding_dim() as f64;
        let projected = match member.projection {
            ProjectionRule::Dense(projected) => dim.min(projected as f64),
            _ => dim,
        };
        let banks = (8.0 * kept).min(capacity / 2.0) + kept;
        capacity * (4.0 * dim + 8.0 * projected + 24.0) + banks * (9.0 * dim + 800.0)
    };
    config.members.iter().map(of_member).sum::<f64>() as u64
}

/// Patches of the training photos, in the paper's view: a cell of 8 x 8 pixels each.
fn patches(photos: &Path) -> anyhow::Result<usize> {
    let mut patches = 0;
    for entry in std::fs::read_dir(photos)? {
        let (width, height) = image::image_dimensions(entry?.path())?;
        let short = f64::from(width.min(height));
        let cells = |side: u32| (f64::from(side) * 256.0 / short / 8.0).round() as usize;
        patches += cells(width) * cells(height);
    }
    Ok(patches)
}
