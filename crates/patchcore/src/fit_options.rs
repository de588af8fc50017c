//! What a fit may be told beside its settings.

use std::ops::ControlFlow;
use std::sync::Arc;

use patchcore_core::backbone::Backbone;
use patchcore_io::Limits;

use crate::own_networks::OwnNetworks;
use crate::progress::{Progress, Teller};

/// Options of [`Model::fit_with`](crate::Model::fit_with): they change no number of the model, but for the networks that the settings
/// name. Start from [`FitOptions::default`].
///
/// ```
/// use std::ops::ControlFlow;
///
/// use patchcore::FitOptions;
///
/// let mut seen = 0;
/// let options = FitOptions::default().threads(2).progress(|progress| {
///     seen = progress.done;
///     ControlFlow::Continue(())
/// });
/// # drop(options);
/// ```
#[derive(Debug, Default)]
pub struct FitOptions<'a> {
    pub(crate) limits: Limits,
    pub(crate) progress: Teller<'a>,
    pub(crate) threads: Option<usize>,
    pub(crate) total: Option<usize>,
    pub(crate) patches: Option<u64>,
    pub(crate) own: OwnNetworks,
}

impl<'a> FitOptions<'a> {
    /// What a file may hold, at most. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Told after every photo and every few picks of the coreset, on the thread that fits;
    /// [`ControlFlow::Break`] ends the fit with [`Error::Cancelled`](crate::Error::Cancelled).
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Teller::new(progress);
        self
    }

    /// Threads of the model's own, for the fit and for whatever it scores later; its clones share them. Default: those of the
    /// rayon pool that calls, else of rayon's global one. Decoding has a thread of its own beside them.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// A network of the application's own, which [`Settings::backbone`](crate::Settings::backbone) names. The model's file knows it by its
    /// name and digest; whoever loads it gives it again ([`LoadOptions::network`](crate::LoadOptions::network)). It may be said several
    /// times, for several networks.
    #[must_use]
    pub fn network(mut self, network: Arc<dyn Backbone>) -> Self {
        self.own.add(network);
        self
    }

    /// Number of photos, for the progress. Default: what the source says of itself, if it knows.
    #[must_use]
    pub fn total(mut self, total: usize) -> Self {
        self.total = Some(total);
        self
    }

    /// Patches of all photos on the finest grid of all members ([`FitPlan::patches`](crate::FitPlan::patches)), for a fit within a budget of
    /// memory ([`Settings::memory`](crate::Settings::memory)): a share of them is how many rows each bank is to have, and where all of them
    /// fit into the budget the fit is the one without. Default: not known, and each block of patches is thinned for the share of those that
    /// have come.
    #[must_use]
    pub fn patches(mut self, patches: u64) -> Self {
        self.patches = Some(patches);
        self
    }
}
