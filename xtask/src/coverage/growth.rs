//! Time and memory of a fit over the number of its photos: within a budget, with all rows at once, and by anomalib's bounded model.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::photos::make;
use super::program::{Program, taken};
use super::row::Growth;
use crate::child::write_rows;
use crate::tidy::root;

/// Sides of usual photos.
const USUAL: (u32, u32) = (320, 256);
/// Sides of photos of 12 megapixels.
const LARGE: (u32, u32) = (4000, 3000);
/// The budget of a fit.
const BUDGET_MIB: u64 = 512;
/// Rows of each bank, whatever the photos.
const BANK_ROWS: usize = 1000;
/// Photos up to which a fit is also measured that holds all rows.
const MOST_AT_ONCE: usize = 1000;
/// Photos up to which anomalib's model is measured.
const MOST_OF_PEER: usize = 100;

/// Measures what the table lacks. `python`: an interpreter with anomalib, whose model is measured then, too.
pub fn measure(
    program: &Program,
    shared: &Path,
    (table, rows): (&Path, &mut Vec<Growth>),
    (photos, large): (&[usize], Option<usize>),
    python: Option<&Path>,
) -> anyhow::Result<()> {
    let from = shared.join("data/bottle/train/good");
    let usual = photos.iter().map(|count| (*count, USUAL));
    let mut runs: Vec<(&str, usize, (u32, u32))> = Vec::new();
    for (count, sides) in usual.chain(large.map(|count| (count, LARGE))) {
        runs.push(("budget", count, sides));
        if count <= MOST_AT_ONCE && sides == USUAL {
            runs.push(("all rows", count, sides));
        }
        if count <= MOST_OF_PEER && sides == USUAL && python.is_some() {
            runs.push(("anomalib mh_patchcore", count, sides));
        }
    }
    for (what, count, sides) in runs {
        let megapixels = f64::from(sides.0 * sides.1) / 1e6;
        let is_there =
            |row: &Growth| row.what == what && row.photos == count && (row.megapixels - megapixels).abs() < 1e-3;
        if rows.iter().any(is_there) {
            continue;
        }
        let folder = program.work.join(format!("{}x{}-{count}", sides.0, sides.1));
        make(&from, &folder, count, sides)?;
        let row = match (what, python) {
            ("anomalib mh_patchcore", Some(python)) => peer(python, &folder, count, megapixels)?,
            _ => ours(program, &folder, what, count, megapixels)?,
        };
        println!("{row:?}");
        rows.push(row);
        write_rows(table, rows)?;
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

fn ours(program: &Program, folder: &Path, what: &str, photos: usize, megapixels: f64) -> anyhow::Result<Growth> {
    let mut options = vec!["--bank-rows".to_owned(), BANK_ROWS.to_string()];
    if what == "budget" {
        options.extend(["--memory".to_owned(), format!("{BUDGET_MIB}MiB")]);
    }
    if megapixels > 1.0 {
        options.extend(["--tile".to_owned(), "512".to_owned()]);
    }
    let fit = program.fit(folder, "growth.patchcore", &options)?;
    let told_mib = match what {
        "budget" => BUDGET_MIB + mib_before(&fit.said, "beside")?,
        _ => mib_before(&fit.said, "of memory")?,
    };
    Ok(Growth {
        what: what.to_owned(),
        photos,
        megapixels,
        budget_mib: if what == "budget" { BUDGET_MIB } else { 0 },
        told_mib,
        peak_mib: fit.peak_mib,
        seconds: fit.seconds,
        cpu_seconds: fit.cpu_seconds,
    })
}

/// The number of MiB before some words of what a fit says.
fn mib_before(said: &str, words: &str) -> anyhow::Result<u64> {
    let before = said.split_once(&format!(" MiB {words}")).map(|(before, _)| before);
    let number = before.and_then(|before| before.rsplit(' ').next()).and_then(|word| word.parse().ok());
    number.with_context(|| format!("the fit tells no memory {words}: {said}"))
}

fn peer(python: &Path, folder: &Path, photos: usize, megapixels: f64) -> anyhow::Result<Growth> {
    let mut run = Command::new(python);
    run.arg(root().join("benches/peers/anomalib_mh_fit.py")).arg(folder);
    let run = taken(&mut run)?;
    Ok(Growth {
        what: "anomalib mh_patchcore".to_owned(),
        photos,
        megapixels,
        budget_mib: 0,
        told_mib: 0,
        peak_mib: run.peak_mib,
        seconds: run.seconds,
        cpu_seconds: run.cpu_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fit_says_of_its_memory_is_read() {
        let said = "100 photos, about 128000 patches of 120 and 144 values: the budget of 512 MiB holds all patches in 385 MiB; \
                    program, network and photos ahead take up to 216 MiB beside it; the largest photo is 320 x 256\nfeatures";
        assert_eq!(mib_before(said, "beside").unwrap(), 216);
        assert_eq!(mib_before("128000 patches: up to 365 MiB of memory; the largest", "of memory").unwrap(), 365);
        assert!(mib_before("365 MiB", "beside").is_err());
    }
}
