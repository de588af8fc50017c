//! One run of `patchcore score` over many photos: what it has in memory and how fast it is must not hang on how many came before.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use image::{GrayImage, Luma};

use crate::release_build::release_build;
use crate::tidy::root;

/// Photos of a run, unless the environment says another number.
const PHOTOS: usize = 20_000;
/// Photos that are different; the others are further names of theirs.
const DIFFERENT: usize = 200;
/// Photos after which nothing grows any more.
const WARM: usize = 1000;
/// What the memory may grow after them, in KiB: pages that only now are used.
const GROWTH_KIB: u64 = 2 << 10;
/// How much slower the second half may be than the first.
const SLOWER: f64 = 1.2;

/// Makes the photos, fits on some of them, scores all of them in one run, and holds memory and pace against each other.
pub fn run() -> anyhow::Result<()> {
    let photos = std::env::var("PATCHCORE_SOAK_PHOTOS").map_or(Ok(PHOTOS), |count| count.parse())?;
    ensure!(photos >= 4 * WARM, "PATCHCORE_SOAK_PHOTOS is {photos}: expected at least {}", 4 * WARM);
    // Without Burn it has the same bits, and is built in minutes.
    let options = ["--no-default-features", "--features", "cpu,png"];
    let program = release_build(&root(), "patchcore-cli", "patchcore", &options)?;
    let place = tempfile::tempdir()?;
    let (good, all, model) = (place.path().join("good"), place.path().join("all"), place.path().join("m.patchcore"));
    make_photos(&good, &all, photos)?;
    let fit = [Path::new("fit"), Path::new("--data"), &good, Path::new("-o"), &model];
    let status = Command::new(&program).args(fit).status().context("cannot run the program")?;
    ensure!(status.success(), "the fit failed");

    let score = [Path::new("score"), Path::new("--format"), Path::new("jsonl"), Path::new("--model"), &model, &all];
    let mut run = Command::new(&program).args(score).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", run.id());
    let rows = BufReader::new(run.stdout.take().context("no pipe to the program")?).lines();
    let started = Instant::now();
    let (mut memory, mut times, mut count) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        ensure!(row?.contains("\"error\":null"), "a photo could not be scored");
        count += 1;
        if count % (WARM / 2) == 0 {
            // The program may be over when its last rows are read.
            if let Some(most) = high_water(&status) {
                memory.push((count, most));
            }
            times.push(started.elapsed());
            println!("{count:>6} photos  {:>7.1} s  {:?} KiB", started.elapsed().as_secs_f64(), memory.last());
        }
    }
    ensure!(run.wait()?.success() && count == photos, "{count} of {photos} photos were scored");
    hold_memory(&memory)?;
    hold_pace(&times)
}

/// `VmHWM` in KiB; `None` where there is no such process any more.
fn high_water(status: &str) -> Option<u64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn hold_memory(memory: &[(usize, u64)]) -> anyhow::Result<()> {
    let warm = memory.iter().find(|(photos, _)| *photos >= WARM).context("memory is known under Linux alone")?;
    let last = memory.last().unwrap_or(warm);
    println!("memory: {} KiB after {} photos, {} KiB after {}", warm.1, warm.0, last.1, last.0);
    ensure!(last.1 <= warm.1 + GROWTH_KIB, "the memory grew by {} KiB", last.1.saturating_sub(warm.1));
    Ok(())
}

/// `times`: after every [`WARM`] / 2 photos.
fn hold_pace(times: &[Duration]) -> anyhow::Result<()> {
    let (Some(first), Some(last)) = (times.get(1), times.last()) else { anyhow::bail!("too few photos") };
    let middle = times.get(times.len() / 2).context("too few photos")?;
    let pace = |from: &Duration, to: &Duration, steps: usize| {
        (steps * WARM / 2) as f64 / to.saturating_sub(*from).as_secs_f64()
    };
    let before = pace(first, middle, times.len() / 2 - 1);
    let after = pace(middle, last, times.len() - 1 - times.len() / 2);
    println!("pace: {before:.1} photos a second in the first half, {after:.1} in the second");
    ensure!(after * SLOWER >= before, "the second half was slower");
    Ok(())
}

/// Photos to fit on, and many names of somewhat more.
fn make_photos(good: &Path, all: &Path, count: usize) -> anyhow::Result<()> {
    std::fs::create_dir_all(good)?;
    std::fs::create_dir_all(all)?;
    for photo in 0..count {
        let path = all.join(format!("{photo:06}.png"));
        if photo >= DIFFERENT {
            std::fs::hard_link(all.join(format!("{:06}.png", photo % DIFFERENT)), path)?;
            continue;
        }
        let picture = GrayImage::from_fn(160, 128, |x, y| {
            let noise = (x * 31 + y * 17 + photo as u32 * 7919).wrapping_mul(2_654_435_761) >> 28;
            Luma([(90 + 30 * (x / 8 % 2) + noise) as u8])
        });
        picture.save(&path)?;
        if photo < 20 {
            std::fs::copy(&path, good.join(format!("{photo:06}.png")))?;
        }
    }
    Ok(())
}
