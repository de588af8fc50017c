//! Behaviour of the program `patchcore` as a user meets it: exit codes, what stdout and stderr say, files that appear.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests; clippy.toml excuses only what stands inside a #[test] function"
)]

mod as_they_are;
mod authors_ensemble;
mod bad_photos;
mod bad_settings;
mod bad_weights;
mod bench;
mod browser;
mod calibrate;
mod config_file;
mod crashing_driver;
mod data_sets;
mod demo;
mod device_check;
mod documents;
mod evaluate;
mod fit_and_score;
mod general;
mod growing;
mod help;
mod inspect;
mod inspect_data;
mod instructions;
mod int8;
mod interrupted;
mod kept;
mod killed;
mod line;
mod manual;
mod masks;
mod model_files;
mod odd_names;
mod photos;
mod program;
mod regions;
mod report;
mod reproduce;
mod schema;
mod several_networks;
mod stress;
mod training_photos;
mod visible;
mod weights;
mod written;
