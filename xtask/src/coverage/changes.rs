//! Ways to a model of the same photos: one fit, sixteen shards that are merged, a fit of most photos that is extended.

use std::path::{Path, PathBuf};

use super::accuracy::SETS;
use super::photos::make;
use super::program::{Program, Taken, all_rows, radius_measured, radius_told, taken};
use super::row::ChangeRow;
use crate::child::write_rows;

/// Shards of a set.
const SHARDS: usize = 16;
/// Photos by which a model is extended.
const ADDED: usize = 10;
/// Sides of made photos.
const SIDES: (u32, u32) = (320, 256);
/// One bank, of a tenth of the patches: the shards' banks together have as many rows.
const PAPER: [&str; 4] = ["--mode", "paper", "--coreset-sampling-ratio", "0.1"];

/// Measures what the table lacks: shards of every published set, and an extension of a model of `photos` made ones.
pub fn measure(
    program: &Program,
    shared: &Path,
    table: &Path,
    rows: &mut Vec<ChangeRow>,
    photos: usize,
) -> anyhow::Result<()> {
    let lacks = |rows: &[ChangeRow], set: &str| !rows.iter().any(|row| row.set == set);
    for set in SETS.into_iter().filter(|set| lacks(&rows[..], set)).collect::<Vec<_>>() {
        let data = shared.join("data").join(set);
        for row in
            [one_fit(program, &data, set)?, shards(program, &data, set, None)?, shards(program, &data, set, Some(0.1))?]
        {
            println!("{row:?}");
            rows.push(row);
        }
        write_rows(table, rows)?;
    }
    let made = format!("{photos} made photos");
    if lacks(rows, &made) {
        rows.extend(extension(program, shared, photos, &made)?);
        write_rows(table, rows)?;
    }
    Ok(())
}

fn words(options: &[&str]) -> Vec<String> {
    options.iter().map(|word| (*word).to_owned()).collect()
}

fn judged(
    program: &Program,
    model: &str,
    data: &Path,
    what: &str,
    set: &str,
    (seconds, cpu_seconds): (f64, f64),
) -> anyhow::Result<ChangeRow> {
    let inspected = program.inspect(model, Some(&data.join("train/good")))?;
    let [image_auroc, aupro_30, _] = program.evaluate(model, data)?;
    Ok(ChangeRow {
        what: what.to_owned(),
        set: set.to_owned(),
        seconds,
        cpu_seconds,
        bank_rows: all_rows(&inspected)?,
        radius: radius_measured(&inspected)?,
        image_auroc: Some(image_auroc),
        aupro_30: Some(aupro_30),
    })
}

fn one_fit(program: &Program, data: &Path, set: &str) -> anyhow::Result<ChangeRow> {
    let fit = program.fit(&data.join("train/good"), "one.patchcore", &words(&PAPER))?;
    judged(program, "one.patchcore", data, "one fit", set, (fit.seconds, fit.cpu_seconds))
}

/// `ratio`: to what the union of the shards' banks is reduced. A reduction starts with more rows, so that there is something to choose.
fn shards(program: &Program, data: &Path, set: &str, ratio: Option<f64>) -> anyhow::Result<ChangeRow> {
    let (mut seconds, mut cpu_seconds) = (0.0, 0.0);
    let mut models = Vec::new();
    let of_shard = if ratio.is_some() { "0.3" } else { "0.1" };
    for shard in 1..=SHARDS {
        let model = format!("shard-{shard:02}.patchcore");
        let mut options = words(&["--mode", "paper", "--coreset-sampling-ratio", of_shard]);
        options.extend(["--shard".to_owned(), format!("{shard}/{SHARDS}")]);
        let fit = program.fit(&data.join("train/good"), &model, &options)?;
        (seconds, cpu_seconds) = (seconds + fit.seconds, cpu_seconds + fit.cpu_seconds);
        models.push(program.work.join(model));
    }
    let mut merge = program.command("merge");
    merge.args(&models).arg("-o").arg(program.work.join("merged.patchcore")).arg("--force");
    if let Some(ratio) = ratio {
        merge.args(["--coreset-sampling-ratio", &ratio.to_string()]);
    }
    let merge = taken(&mut merge)?;
    (seconds, cpu_seconds) = (seconds + merge.seconds, cpu_seconds + merge.cpu_seconds);
    let what = if ratio.is_some() { "16 shards of 30 %, merged to 10 %" } else { "16 shards of 10 %, merged" };
    judged(program, "merged.patchcore", data, what, set, (seconds, cpu_seconds))
}

fn extension(program: &Program, shared: &Path, photos: usize, set: &str) -> anyhow::Result<[ChangeRow; 2]> {
    let (most, few, all) = (program.work.join("most"), program.work.join("few"), program.work.join("all"));
    make(&shared.join("data/bottle/train/good"), &all, photos + ADDED, SIDES)?;
    for (folder, places) in [(&most, 0..photos), (&few, photos..photos + ADDED)] {
        std::fs::create_dir_all(folder)?;
        for place in places {
            let name = PathBuf::from(format!("{place:06}.jpg"));
            std::fs::copy(all.join(&name), folder.join(&name))?;
        }
    }
    let options = words(&["--bank-rows", "10000"]);
    program.fit(&most, "extended.patchcore", &options)?;
    let mut extend = program.command("extend");
    extend.arg(program.work.join("extended.patchcore")).arg("--data").arg(&few);
    extend.args(["--coreset-sampling-ratio", "0.01"]);
    let extended = taken(&mut extend)?;
    let row = |what: &str, model: &str, taken: &Taken| {
        let inspected = program.inspect(model, None)?;
        Ok::<_, anyhow::Error>(ChangeRow {
            what: what.to_owned(),
            set: set.to_owned(),
            seconds: taken.seconds,
            cpu_seconds: taken.cpu_seconds,
            bank_rows: all_rows(&inspected)?,
            radius: radius_told(&inspected)?,
            image_auroc: None,
            aupro_30: None,
        })
    };
    let refitted = program.fit(&all, "refitted.patchcore", &options)?;
    let rows = [
        row("extended by 10 photos", "extended.patchcore", &extended)?,
        row("fitted again with them", "refitted.patchcore", &refitted)?,
    ];
    rows.iter().for_each(|row| println!("{row:?}"));
    Ok(rows)
}
