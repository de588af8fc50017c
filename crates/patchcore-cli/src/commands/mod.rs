//! One subcommand a file.

pub mod audit;
pub mod bench;
pub mod calibrate;
pub mod compare;
pub mod completions;
pub mod config;
pub mod demo;
pub mod device_check;
pub mod devices;
pub mod diff;
pub mod doctor;
pub mod evaluate;
pub mod extend;
pub mod fit;
pub mod forget;
pub mod inspect;
pub mod inspect_data;
pub mod man;
pub mod merge;
pub mod reproduce;
pub mod score;
pub mod try_device;
pub mod weights;
