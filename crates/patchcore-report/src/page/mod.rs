//! Self-contained HTML pages: one evaluation, two side by side, or the certificate of a threshold.
//!
//! A page is one file: styles, charts and pictures lie in it, and a content security policy forbids the browser to load
//! anything else. There is no script. It reads on a phone, in dark mode, with the keyboard and with a screen reader.
//! Everything that comes from outside (file names, notes) is escaped by the templates.

mod card;
mod certificate_page;
mod comparison_page;
mod evaluation_page;
mod gallery;
mod metric_text;
mod picture;
mod rows;
mod stress;
mod threshold;
mod verdicts;

pub use card::{Evidence, NearestPatch};
pub use certificate_page::{CertificatePage, CertifiedPhoto};
pub use comparison_page::ComparisonPage;
pub use evaluation_page::EvaluationPage;
pub use rows::{Fact, ImageRow};
pub use threshold::Threshold;

/// Styles of every page.
pub(crate) const STYLE: &str = include_str!("../../templates/style.css");
