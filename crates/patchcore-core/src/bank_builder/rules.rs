//! What a growing bank is told, and what it becomes.

use std::ops::Range;

use patchcore_config::{BankDtype, BankSize, ProjectionRule, StartRule};

use crate::coverage::Coverage;
use crate::memory_bank::MemoryBank;

/// How a bank is selected from patches: of one member.
#[derive(Debug, Clone, PartialEq)]
pub struct BankRules {
    /// Values per row.
    pub dim: usize,
    /// What the rows are selected on.
    pub projection: ProjectionRule,
    /// How the selection starts.
    pub start: StartRule,
    /// Source of the random choices of both.
    pub seed: u64,
    /// How many rows the bank is to have.
    pub size: BankSize,
    /// The number format in which the bank is kept.
    pub dtype: BankDtype,
    /// Which values of a row belong to which level, where the levels are to be scaled to equal variance; else empty. They are scaled once
    /// the patches have been seen, or, where these are too many, as many as may be held.
    pub levels: Vec<Range<usize>>,
    /// How many rows will come, where that is known: a share of them is how many a bank has.
    pub announced: Option<u64>,
    /// How many rows may be held at once, kept ones included; `None`: all of them.
    pub capacity: Option<usize>,
}

impl BankRules {
    /// Rows that the bank is to have of so many patches; `None` where the coverage decides.
    pub(crate) fn rows_of(&self, patches: u64) -> Option<usize> {
        rows_of(self.size, patches)
    }
}

/// Rows that a bank of such a size has of so many patches: `int(patches * ratio)`, as both published codes have it, or no more than there
/// are. `None` where the coverage decides.
pub(crate) fn rows_of(size: BankSize, patches: u64) -> Option<usize> {
    match size {
        BankSize::Ratio(ratio) => Some((patches as f64 * ratio) as usize),
        BankSize::Rows(rows) => Some(rows.min(usize::try_from(patches).unwrap_or(usize::MAX))),
        _ => None,
    }
}

/// A bank that has been selected.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltBank {
    /// The rows, levels scaled, with their origins.
    pub bank: MemoryBank,
    /// How far the patches lie from it.
    pub coverage: Coverage,
    /// What the levels were multiplied by; empty where they were not scaled.
    pub level_factors: Vec<f32>,
}
