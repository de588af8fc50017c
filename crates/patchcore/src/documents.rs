//! The Rust of README.md and of the pages under docs/, as documentation tests. Built for those alone: the pages are not in the package.

#[doc = include_str!("../../../README.md")]
struct Readme;

#[doc = include_str!("../../../docs/how-to/own-application.md")]
struct OwnApplication;

#[doc = include_str!("../../../docs/how-to/own-network.md")]
struct OwnNetwork;
