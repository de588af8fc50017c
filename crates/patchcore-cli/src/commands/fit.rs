//! `patchcore fit`: photos of good parts in, a model file out.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use patchcore::config::{Checked, PatchCoreConfig};
use patchcore::{
    ComputeDevice, FitOptions, FitPlan, FitTime, Geometry, Limits, MaskSurvey, Model, NETWORK_PRECISIONS,
    NetworkPrecision, Photo, PhotoHeader, Provenance, Region, Save, Settings, Size, Stage, Suggestion, path_text,
    region_of_masks,
};

use crate::arguments::Fit;
use crate::command_line::{command_line, shell_path, shell_word};
use crate::coverage_words;
use crate::data::{self, Use};
use crate::forecast::Forecast;
use crate::free_memory::check_memory;
use crate::in_words::{banks, in_words, joined, per_bank};
use crate::misuse::Misuse;
use crate::model_target::check_thresholds;
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;
use crate::write_plan::{Kind, WritePlan};

pub fn run(arguments: &Fit) -> anyhow::Result<Outcome> {
    let outcome = fit(arguments)?;
    output::next(&format!("patchcore audit --model {}", shell_path(&arguments.output)));
    Ok(outcome)
}

/// Fits, and leaves it to the caller what comes next.
pub fn fit(arguments: &Fit) -> anyhow::Result<Outcome> {
    check_thumbnails(arguments)?;
    let mut settings = arguments.settings()?;
    settings.region = region(arguments)?;
    let config = settings.config()?;
    // What `gpu` or `auto` has found, so that it need not be looked for again.
    let device = crate::device::open(&arguments.compute)?;
    settings.device = device.name();
    crate::device::log_settings(config.described());
    output::check_place(&arguments.output)?;
    let data = data::open(&arguments.data, Use::Good)?;
    let all = data.training()?;
    let dealt = arguments.shard.map(|shard| shard.photos(all, &arguments.data)).transpose()?;
    let files = dealt.as_deref().unwrap_or(all);
    if let Some(shard) = arguments.shard {
        output::note(&format!("shard {shard}: {} of {} photos", files.len(), all.len()));
    }
    let writes = WritePlan::new(arguments.force).reads_set(&data).reads(arguments.other_files());
    writes.file(&arguments.output, Kind::Model)?;
    check_thresholds(&arguments.output, arguments.force)?;
    let plan = announce(arguments, &settings, files, &device)?;
    let has = |format: &NetworkPrecision| config.members.iter().any(|member| member.network_precision == *format);
    NETWORK_PRECISIONS.into_iter().filter(has).filter_map(of_few_bits).for_each(output::note);
    let mut display = Display::new();
    let mut forecast = Forecast::new();
    let options = FitOptions::default().patches(plan.patches as u64).progress(|progress| {
        if let Some(line) = forecast.line(progress) {
            display.suspend(|| output::note(&line));
        }
        display.show(progress)
    });
    let report = Model::fit_with(&settings, files, options)
        .with_context(|| format!("cannot fit on {}", arguments.data.display()))?;
    display.finish();
    let ranges = display.until(Stage::Ranges);
    let before_the_coreset = display.until(Stage::Features);
    let (features, coreset) =
        (before_the_coreset.saturating_sub(ranges), display.elapsed().saturating_sub(before_the_coreset));
    drop(display);
    output::warn_of_rejected(&report.rejected);
    output::warn_of(&report.remarks);
    report.suggestions.iter().for_each(|suggestion| output::note(&suggested(suggestion)));
    let model = if arguments.keep_thumbnails { with_thumbnails(report.model) } else { report.model };
    let model = if arguments.reproducible { model.reproducible() } else { model.with_provenance(provenance()) };
    let save = if arguments.embed_weights { Save::WithWeights } else { Save::WithoutWeights };
    model.save(&arguments.output, save)?;
    output::print(&format!(
        "{}: {} photos, {} patches, {}, mode {}, backbone {}, {}features {:.1} s, coreset {:.1} s\n{}",
        arguments.output.display(),
        model.fitted_on().images,
        model.fitted_on().patches,
        banks(&model),
        config.rules_name(),
        networks(&config).join(" + "),
        if has(&NetworkPrecision::Int8) { format!("ranges {:.1} s, ", ranges.as_secs_f64()) } else { String::new() },
        features.as_secs_f64(),
        coreset.as_secs_f64(),
        coverage_words::lines(model.coverage()),
    ))?;
    Ok(if report.rejected.is_empty() { Outcome::Done } else { Outcome::SomeImagesFailed })
}

/// The names of a configuration's networks, each once, in the order of their first members.
fn networks(config: &PatchCoreConfig) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for member in &config.members {
        if !names.contains(&member.backbone.name()) {
            names.push(member.backbone.name());
        }
    }
    names
}

/// What a network of fewer bits than f32 means, in one line.
fn of_few_bits(format: NetworkPrecision) -> Option<&'static str> {
    match format {
        NetworkPrecision::Int8 => Some(
            "a network of int8: its maps' ranges come first, from up to 64 photos; it sees 8 bits of a photo, has the same features on \
             every CPU, and others than f32: `patchcore bench` shows both",
        ),
        NetworkPrecision::Bf16 => Some(
            "a network of bf16: it can be faster where the processor multiplies bf16, and its scores are others than those of f32: \
             `patchcore bench --network-precision f32,bf16` shows both",
        ),
        _ => None,
    }
}

/// With small pictures of its photos; the fit is not lost for a photo that has gone meanwhile.
#[cfg(feature = "jpeg")]
fn with_thumbnails(model: Model) -> Model {
    match model.clone().with_thumbnails(&Limits::default()) {
        Ok(with) => with,
        Err(error) => {
            tracing::warn!("the model keeps no small pictures of its photos: {}", crate::said::of(&error));
            model
        }
    }
}

#[cfg(not(feature = "jpeg"))]
fn with_thumbnails(model: Model) -> Model {
    model
}

/// Refuses what this build cannot do before anything is fitted.
fn check_thumbnails(arguments: &Fit) -> anyhow::Result<()> {
    let refused = "--keep-thumbnails needs JPEG, which this build has not got: build with the feature `jpeg`";
    match arguments.keep_thumbnails && !cfg!(feature = "jpeg") {
        true => Err(anyhow::Error::new(crate::misuse::Misuse(refused.to_owned()))),
        false => Ok(()),
    }
}

/// Who made the model: the date, the command and this program.
fn provenance() -> Provenance {
    Provenance {
        date: Some(crate::utc::now()),
        command_line: Some(command_line().iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")),
        program: Some(concat!("patchcore ", env!("CARGO_PKG_VERSION")).to_owned()),
        host: None,
    }
}

/// The region of interest that the masks leave.
fn region(arguments: &Fit) -> anyhow::Result<Option<Region>> {
    let open = |path: &Option<std::path::PathBuf>| -> anyhow::Result<Option<Photo>> {
        Ok(path.as_ref().map(|path| Photo::open(path, &Limits::default())).transpose()?)
    };
    let masks = [("--roi", open(&arguments.roi)?), ("--ignore", open(&arguments.ignore)?)];
    let [(_, roi), (_, ignore)] = &masks;
    let region = region_of_masks(roi.as_ref(), ignore.as_ref())?;
    for (option, mask) in &masks {
        if let Some(remark) = mask.as_ref().and_then(|mask| MaskSurvey::of([mask]).remark()) {
            output::note(&format!("{option}: {remark}"));
        }
    }
    Ok(region)
}

/// One line with the reason and the option.
fn suggested(suggestion: &Suggestion) -> String {
    let option = match suggestion {
        Suggestion::UnsteadyLight { .. } => "--unsteady-light",
        Suggestion::AnyAngle { .. } => "--any-angle",
        Suggestion::Mirrored { .. } => "--any-angle mirrored",
        // What a later library suggests has its own words.
        other => return format!("hint: {other}"),
    };
    format!("hint: {}: {option} may help, and costs time", suggestion.reason())
}

fn written(size: Size) -> String {
    format!("{}x{}", size.width, size.height)
}

/// Says what is about to happen and how much memory it takes, and refuses what there is no memory for. All headers are read before: the
/// largest photo decides.
fn announce(
    arguments: &Fit,
    settings: &Settings,
    files: &[std::path::PathBuf],
    device: &ComputeDevice,
) -> anyhow::Result<FitPlan> {
    let config = settings.config()?;
    let first = files.first().context("no photos")?;
    check_crop(arguments, settings, first)?;
    let plan = FitPlan::of_files(&config, files, &Limits::default());
    let budget = plan.budget(&config)?;
    // Photos none of which can be used are reported by the fit, one by one.
    let Some(largest) = &plan.largest else { return Ok(plan) };
    let memory = match &budget {
        Some(budget) if budget.holds_all => within(&config, &plan, budget.bytes, None),
        Some(budget) => within(&config, &plan, config.memory.unwrap_or_default(), Some(&budget.capacities)),
        None => format!("up to {} of memory", mebibytes(plan.memory_bytes)),
    };
    output::note(&format!(
        "{} photos, about {} patches of {} values: {memory}; the largest photo is {}",
        plan.photos,
        plan.patches,
        joined(config.members.iter().map(|member| member.embedding_dim().to_string())),
        largest.size,
    ));
    check_memory(&plan, arguments.max_memory)?;
    if !settings.further_networks.is_empty() {
        announce_networks(&config, &plan, device)?;
    }
    Ok(plan)
}

/// A fit's budget, how much of the patches it holds, and what comes on top of it. `used`: bytes of the budget that the fit takes at most;
/// `held`: patches of each bank that are held at once, where these are not all.
fn within(config: &Checked, plan: &FitPlan, used: u64, held: Option<&[usize]>) -> String {
    let holds = match held {
        None => format!("holds all patches in {}", mebibytes(used)),
        Some(held) => format!("holds {} patches of each bank at once, in one pass", per_bank(held)),
    };
    let (budget, beside) = (config.memory.unwrap_or_default(), plan.memory_bytes.saturating_sub(used));
    let (budget, beside) = (mebibytes(budget), mebibytes(beside));
    format!("the budget of {budget} {holds}; program, network and photos ahead take up to {beside} beside it")
}

/// "171 MiB".
fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// What several networks have to do before the coreset, and about how long that takes.
fn announce_networks(config: &Checked, plan: &FitPlan, device: &ComputeDevice) -> anyhow::Result<()> {
    let started = Instant::now();
    let Some(time) = FitTime::estimate(config, plan, device, &|| started.elapsed())? else { return Ok(()) };
    output::note(&format!(
        "{}: {} multiply-adds a photo; features: about {}, estimated by a small network on this device; the coreset comes then",
        networks(config).join(" + "),
        large(time.multiply_adds),
        in_words(time.seconds),
    ));
    Ok(())
}

/// "79.3 billion".
fn large(count: u64) -> String {
    match count as f64 {
        below if below < 1e9 => format!("{:.0} million", below / 1e6),
        more => format!("{:.1} billion", more / 1e9),
    }
}

/// Refuses a crop that is larger than the first photo after its resize.
fn check_crop(arguments: &Fit, settings: &Settings, first: &Path) -> anyhow::Result<()> {
    let Some(crop) = arguments.crop else { return Ok(()) };
    // A first photo that cannot be read is reported by the fit like any other.
    let Ok(header) = PhotoHeader::open(first, &Limits::default()) else { return Ok(()) };
    let Ok(geometry) = Geometry::new(&path_text(first), header.size, &settings.config()?.view) else { return Ok(()) };
    if crop.width <= geometry.resized.width && crop.height <= geometry.resized.height {
        return Ok(());
    }
    let (crop, resized) = (written(crop), written(geometry.resized));
    let text =
        format!("--crop is {crop}: expected at most the resized photo, which is {resized} ({})", path_text(first));
    Err(Misuse(format!("{text}; lower it, or raise --resize or --size")).into())
}
