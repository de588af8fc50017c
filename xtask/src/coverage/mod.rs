//! `cargo xtask coverage`: what a budget costs in accuracy and saves in memory, and what merged and extended models are worth. Rows of three
//! tables in benches/results, which are not measured again; the tables and the picture of docs/explanation/coverage.md.

mod accuracy;
mod changes;
mod growth;
mod photos;
mod plot;
mod program;
mod row;
mod tables;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use patchcore_testing::find_shared;

use self::program::Program;
use crate::child::read_rows;
use crate::release_build::{release_build, target};
use crate::tidy::root;
use crate::written_tables;

const PAGE: &str = "docs/explanation/coverage.md";
const ACCURACY: &str = "benches/results/coverage-accuracy.csv";
const GROWTH: &str = "benches/results/coverage-growth.csv";
const CHANGES: &str = "benches/results/coverage-changes.csv";

/// Measure fits in a budget, merges and extensions, and rewrite the tables of docs/explanation/coverage.md.
#[derive(Debug, Args)]
pub struct Coverage {
    /// Folder with data/; default: `PATCHCORE_SHARED`, else `../shared`
    #[arg(long)]
    shared: Option<PathBuf>,
    /// The program to run, instead of a release build without Burn
    #[arg(long)]
    program: Option<PathBuf>,
    /// Only this part
    #[arg(long)]
    only: Option<Part>,
    /// Seeds of the accuracy
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Photos of each fit whose memory is measured
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    photos: Vec<usize>,
    /// Photos of 12 megapixels of one fit more; none without it
    #[arg(long)]
    large_photos: Option<usize>,
    /// Photos of the model that is extended
    #[arg(long, default_value_t = 1000)]
    of_changes: usize,
    /// An interpreter with anomalib, whose bounded model is measured beside ours
    #[arg(long)]
    python: Option<PathBuf>,
    /// Only the tables and the picture, from what has been measured
    #[arg(long)]
    tables: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Accuracy,
    Growth,
    Changes,
}

impl Coverage {
    /// Measures what the tables lack, row by row, and writes them.
    pub fn run(&self) -> anyhow::Result<()> {
        let (accuracy, growth, changes) = (root().join(ACCURACY), root().join(GROWTH), root().join(CHANGES));
        let (mut of_accuracy, mut of_growth, mut of_changes) =
            (read_rows(&accuracy)?, read_rows(&growth)?, read_rows(&changes)?);
        if !self.tables {
            let Some(shared) = self.shared.clone().map_or_else(|| find_shared(""), |folder| Ok(Some(folder)))? else {
                println!("skipped: no ../shared, whose photographs are what is measured (set PATCHCORE_SHARED)");
                return Ok(());
            };
            let options = ["--no-default-features", "--features", "cpu,jpeg,png"];
            let build = || release_build(&root(), "patchcore-cli", "patchcore", &options);
            let path = self.program.clone().map_or_else(build, Ok)?;
            std::fs::create_dir_all(target())?;
            let work = tempfile::Builder::new().prefix("coverage-").tempdir_in(target())?;
            let program = Program { path, work: work.path().to_owned() };
            let wanted = |part| self.only.is_none_or(|only| only == part);
            if wanted(Part::Accuracy) {
                accuracy::measure(&program, &shared, &accuracy, &mut of_accuracy, self.seeds)?;
            }
            if wanted(Part::Growth) {
                let photos = (self.photos.as_slice(), self.large_photos);
                growth::measure(&program, &shared, (&growth, &mut of_growth), photos, self.python.as_deref())?;
            }
            if wanted(Part::Changes) {
                changes::measure(&program, &shared, &changes, &mut of_changes, self.of_changes)?;
            }
        }
        written_tables::replace(PAGE, "coverage-accuracy", &tables::accuracy(&of_accuracy))?;
        written_tables::replace(PAGE, "coverage-growth", &tables::growth(&of_growth))?;
        written_tables::replace(PAGE, "coverage-changes", &tables::changes(&of_changes))?;
        if !of_growth.is_empty() {
            std::fs::write(root().join("docs/explanation/coverage-growth.svg"), plot::picture(&of_growth))?;
            println!("docs/explanation/coverage-growth.svg: drawn");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written_tables::tests::written;

    /// The tables of the page are those of the measurements.
    #[test]
    fn the_page_has_what_was_measured() {
        let read = |path: &str| root().join(path);
        assert_eq!(written(PAGE, "coverage-accuracy"), tables::accuracy(&read_rows(&read(ACCURACY)).unwrap()).trim());
        assert_eq!(written(PAGE, "coverage-growth"), tables::growth(&read_rows(&read(GROWTH)).unwrap()).trim());
        assert_eq!(written(PAGE, "coverage-changes"), tables::changes(&read_rows(&read(CHANGES)).unwrap()).trim());
        let of_growth = read_rows(&read(GROWTH)).unwrap();
        if !of_growth.is_empty() {
            let drawn = std::fs::read_to_string(read("docs/explanation/coverage-growth.svg")).unwrap();
            assert_eq!(drawn, plot::picture(&of_growth));
        }
    }
}
