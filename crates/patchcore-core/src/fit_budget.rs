//! A fit's budget of memory: how many patches of each member it may hold.

use patchcore_config::{BankSize, MemberConfig, PatchCoreConfig};

use crate::bank_builder::rows_of;
use crate::coreset::RandomProjection;
use crate::error::FitError;

/// Patches of a member that are held at least.
const FEWEST: u64 = 64;

/// What a budget holds: see [`Fitter::budget_plan`](crate::Fitter::budget_plan).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetPlan {
    /// Patches that are held at once, of each member.
    pub capacities: Vec<usize>,
    /// Whether these are all that were announced: then the fit is the one without a budget.
    pub holds_all: bool,
    /// Bytes of the budget that the fit takes at most.
    pub bytes: u64,
}

/// What one member's patches and bank take.
#[derive(Debug, Clone, Copy)]
struct Shares {
    /// Bytes of a patch: its row and origin, what it is selected on, and the selection's own copy of that.
    patch: u64,
    /// Bytes of a row of the bank: in memory, once in the file's bytes, and in the search, which has a copy in bytes.
    row: u64,
    /// Patches of this member for one on the finest grid of all members.
    grid: f64,
}

/// How many patches of each member a fit may hold within [`memory`](PatchCoreConfig::memory); `None` without a budget. `patches`: those of
/// all photos on the finest grid, where they are known.
///
/// A patch of a member takes `dim x 4 + projected x 8 + 24` bytes, a row of a bank `dim x 9 + 800`. With `C` patches held for a bank of
/// `m` rows there are at most `h = min(8 m, C / 2)` representatives, and the budget holds the sum over the members of
/// `C x patch + (h + m) x row`; for a coverage radius the representatives are the bank, and are `C / 2` at most. Members share the budget
/// by their numbers of patches. Where all patches are announced and fit with two banks of `m` rows each, all of them are held.
///
/// # Errors
/// [`FitError::BudgetTooSmall`] where fewer than `4 m` patches are held, with the smallest budget that would do.
pub fn budget_plan(config: &PatchCoreConfig, patches: Option<u64>) -> Result<Option<BudgetPlan>, FitError> {
    let Some(budget) = config.memory else { return Ok(None) };
    let fit = Fit::new(config, patches);
    let all = patches.map(|patches| (patches, fit.bytes_of_all(patches)));
    if let Some((patches, bytes)) = all.filter(|(_, bytes)| *bytes <= budget) {
        let capacities = vec![usize::try_from(patches).unwrap_or(usize::MAX); config.members.len()];
        return Ok(Some(BudgetPlan { capacities, holds_all: true, bytes }));
    }
    let held = last(|finest| fit.bytes_of(finest) <= budget);
    if !fit.is_enough(held) {
        let smallest = fit.bytes_of(last(|finest| !fit.is_enough(finest)) + 1);
        let smallest = all.map_or(smallest, |(_, all)| smallest.min(all));
        let rows = fit.members.iter().filter_map(|of| fit.rows(of)).sum();
        return Err(FitError::BudgetTooSmall { budget, smallest, rows });
    }
    let capacities = fit.members.iter().map(|of| usize::try_from(of.held(held)).unwrap_or(usize::MAX)).collect();
    Ok(Some(BudgetPlan { capacities, holds_all: false, bytes: fit.bytes_of(held) }))
}

/// Bytes that all of so many patches of each member take, with two banks of theirs.
pub(crate) fn bytes_of_all(config: &PatchCoreConfig, patches: u64) -> u64 {
    Fit::new(config, Some(patches)).bytes_of_all(patches)
}

/// Of so many patches on the finest grid of all members about how many a member has.
pub(crate) fn patches_of(member: &MemberConfig, finest: u32, patches: u64) -> u64 {
    (patches as f64 * on_grid(member, finest)).ceil() as u64
}

/// Patches of a member for one on the finest grid.
fn on_grid(member: &MemberConfig, finest: u32) -> f64 {
    (f64::from(finest) / f64::from(member.strides().0)).powi(2)
}

/// What decides the bytes.
struct Fit {
    size: BankSize,
    /// Those of all photos on the finest grid.
    patches: Option<u64>,
    members: Vec<Shares>,
}

impl Fit {
    fn new(config: &PatchCoreConfig, patches: Option<u64>) -> Self {
        let (finest, _) = config.strides();
        let of_member = |member: &MemberConfig| {
            let dim = member.embedding_dim();
            let most = patches.map_or(u32::MAX as usize, |patches| usize::try_from(patches).unwrap_or(usize::MAX));
            let projected = RandomProjection::dim_for(member.projection, dim, most).unwrap_or(dim) as u64;
            let (dim, grid) = (dim as u64, on_grid(member, finest));
            Shares { patch: dim * 4 + projected * 8 + 24, row: dim * 9 + 800, grid }
        };
        Self { size: config.bank_size(), patches, members: config.members.iter().map(of_member).collect() }
    }

    /// Rows of a member's bank, where they are known.
    fn rows(&self, of: &Shares) -> Option<u64> {
        let patches = match self.size {
            BankSize::Rows(_) => self.patches.unwrap_or(u64::MAX),
            _ => self.patches?,
        };
        let patches = if patches == u64::MAX { patches } else { of.held(patches) };
        rows_of(self.size, patches).map(|rows| rows.max(1) as u64)
    }

    /// Bytes of all patches of each member, with its bank twice: without each of some photos it scores these.
    fn bytes_of_all(&self, patches: u64) -> u64 {
        let rows = rows_of(self.size, patches).map_or(patches, |rows| rows as u64);
        let of_member = |of: &Shares| patches.saturating_mul(of.patch).saturating_add(rows.saturating_mul(2 * of.row));
        self.members.iter().map(of_member).fold(0, u64::saturating_add)
    }

    /// Bytes while so many patches are held of a member on the finest grid.
    fn bytes_of(&self, finest: u64) -> u64 {
        let of_member = |of: &Shares| {
            let held = of.held(finest);
            let kept = match (self.rows(of), self.size) {
                (Some(rows), _) => rows.saturating_mul(8).min(held / 2).saturating_add(rows),
                (None, BankSize::Ratio(_)) => held / 2 + held / 4,
                (None, _) => held / 2,
            };
            held.saturating_mul(of.patch).saturating_add(kept.saturating_mul(of.row))
        };
        self.members.iter().map(of_member).fold(0, u64::saturating_add)
    }

    /// Whether every member holds four times the rows of its bank, and enough to choose from.
    fn is_enough(&self, finest: u64) -> bool {
        let is_enough = |of: &Shares| of.held(finest) >= FEWEST.max(self.rows(of).unwrap_or(0).saturating_mul(4));
        self.members.iter().all(is_enough)
    }
}

impl Shares {
    /// Patches of the member for so many on the finest grid.
    fn held(&self, finest: u64) -> u64 {
        (finest as f64 * self.grid).ceil() as u64
    }
}

/// The last number for which something holds that holds up to some number, from 0; below 2^48.
fn last(holds: impl Fn(u64) -> bool) -> u64 {
    let (mut yes, mut no) = (0, 1 << 48);
    while no - yes > 1 {
        let middle = u64::midpoint(yes, no);
        if holds(middle) { yes = middle } else { no = middle }
    }
    yes
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchcore_config::{Architecture, Mode};

    fn config(memory: u64) -> PatchCoreConfig {
        Mode::Paper.config(Architecture::RESNET18).with_bank_rows(Some(100)).with_memory(Some(memory))
    }

    /// Of a member with 384 values, projected to 128: 2584 bytes a patch, 4256 a row.
    #[test]
    fn a_budget_is_used_to_its_end_and_not_beyond() {
        assert_eq!(budget_plan(&Mode::Paper.config(Architecture::RESNET18), Some(9)), Ok(None));
        for memory in [4 << 20, 64 << 20, 512 << 20] {
            let plan = budget_plan(&config(memory), None).unwrap().unwrap();
            let [held] = plan.capacities.as_slice() else { panic!("one member") };
            let bytes = |held: u64| held * patch_bytes() + ((held / 2).min(800) + 100) * 4256;
            assert_eq!((plan.bytes, plan.holds_all), (bytes(*held as u64), false));
            assert!(plan.bytes <= memory && bytes(*held as u64 + 1) > memory, "{plan:?}");
        }
    }

    fn patch_bytes() -> u64 {
        let member = Mode::Paper.config(Architecture::RESNET18).members.remove(0);
        384 * 4 + RandomProjection::dim_for(member.projection, 384, 1000).unwrap_or(384) as u64 * 8 + 24
    }

    #[test]
    fn what_fits_is_held_whole() {
        let bytes = |patches: u64| patches * patch_bytes() + 2 * 100 * 4256;
        let plan = budget_plan(&config(bytes(10_000)), Some(10_000)).unwrap().unwrap();
        assert_eq!(plan, BudgetPlan { capacities: vec![10_000], holds_all: true, bytes: bytes(10_000) });
        let plan = budget_plan(&config(bytes(10_000)), Some(10_001)).unwrap().unwrap();
        assert!(!plan.holds_all && plan.capacities < vec![10_000], "{plan:?}");
    }

    #[test]
    fn a_budget_that_is_too_small_names_the_smallest() {
        let least = 400 * patch_bytes() + (200 + 100) * 4256;
        let refused = budget_plan(&config(least - 1), None).unwrap_err();
        assert_eq!(refused, FitError::BudgetTooSmall { budget: least - 1, smallest: least, rows: 100 });
        assert_eq!(budget_plan(&config(least), None).unwrap().unwrap().capacities, [400]);
        // Of few photos all may take less.
        let all = 150 * patch_bytes() + 2 * 100 * 4256;
        let refused = budget_plan(&config(all - 1), Some(150)).unwrap_err();
        assert_eq!(refused, FitError::BudgetTooSmall { budget: all - 1, smallest: all, rows: 100 });
        // Where nobody says how many patches come, a share of them may be anything.
        let share = Mode::Line.config(Architecture::RESNET18).with_memory(Some(8 << 20));
        assert!(budget_plan(&share, None).is_ok());
        assert!(matches!(budget_plan(&share, Some(1 << 30)), Err(FitError::BudgetTooSmall { .. })));
        let covered = Mode::Paper.config(Architecture::RESNET18).with_coverage(Some(1.0)).with_memory(Some(8 << 20));
        assert!(budget_plan(&covered, Some(1 << 30)).is_ok());
    }
}
