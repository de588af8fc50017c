//! `patchcore-bench ROW`: one row of the report, measured whenever a line comes in. `patchcore-bench prepare` makes the
//! inputs of all rows once.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use patchcore_bench::rows::Skip;
use patchcore_bench::work::Work;
use patchcore_bench::{prepare, protocol, rows};
use patchcore_testing::find_shared;

/// Our side of the report's measurements.
#[derive(Debug, Parser)]
struct Arguments {
    /// `prepare`, or a row: `ceiling`, `trunk/resnet18/8`, `reduced/resnet18/avx2/int8`, `line/resnet18/int8`, `search/bottle/1024/7840/1`, `coreset/78400/7840`,
    /// `score/authors`, `fit/authors`.
    row: String,
    /// Folder of the inputs that both sides read.
    #[arg(long, value_name = "FOLDER")]
    work: PathBuf,
    /// Threads to compute with.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn main() -> anyhow::Result<()> {
    let Arguments { row, work, threads } = Arguments::parse();
    let work = Work::new(&work);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start threads")?;
    let needs_photos = row != "ceiling";
    let Some(shared) = find_shared("")?.or_else(|| (!needs_photos).then(PathBuf::new)) else {
        println!("skip no ../shared: its photographs are what is measured");
        return Ok(());
    };
    match row.as_str() {
        "prepare" => prepare::prepare(&shared, &work),
        row => match rows::set_up(row, &shared, &work, threads) {
            Ok(measure) => protocol::serve(measure),
            Err(error) => {
                let Skip(reason) = error.downcast::<Skip>()?;
                println!("skip {reason}");
                Ok(())
            }
        },
    }
}
