//! What a fit takes of memory, told before it starts.

use patchcore_config::{MemberConfig, Network, NetworkPrecision, PatchCoreConfig, Size, Tiling};
use patchcore_cpu::network::CpuNetwork;

use crate::coreset::RandomProjection;
use crate::coverage::QUERIES;
use crate::error::FitError;
use crate::fit_budget::{BudgetPlan, budget_plan, bytes_of_all};
use crate::fitter::Fitter;
use crate::good_quantiles::PHOTOS;
use crate::member_fits::most_sample_bytes;
use crate::suggestions::{LOOKED_AT, is_turned};

impl Fitter {
    /// How many patches of each member a fit holds within the configuration's [`memory`](PatchCoreConfig::memory), before it begins; `None`
    /// without such a budget. `patches`: those of all photos on the finest grid of all members, as in [`Fitter::memory_bytes`], where they
    /// are known; else what a share of them would be is found out while the fit goes on.
    ///
    /// # Errors
    /// [`FitError::BudgetTooSmall`], which names the smallest budget that would do.
    pub fn budget_plan(patches: Option<u64>, config: &PatchCoreConfig) -> Result<Option<BudgetPlan>, FitError> {
        budget_plan(config, patches)
    }

    /// Peak bytes of a fit of so many patches, of photos whose largest input is `largest`, while `ahead` bytes are taken by photos on
    /// their way to it.
    ///
    /// - `patches x (dim x 4 + 16)` of every member: the embeddings and bookkeeping;
    /// - each network once for all its members: every weight twice, those of 3x3 convolutions in f32 five times (Winograd's form), and the
    ///   maps of the largest input, or of a tile, with its embeddings (on a GPU its own memory has them);
    /// - the larger of `ahead`, which is over when the coreset begins, and of what comes then:
    ///   - `bank x (dim x 9 + 800)` of every member: the bank, once in the file's bytes, and the index of the search, which has a copy in bytes;
    ///   - the larger of `patches x projected x 8`, while a member's coreset is selected, and, while a model without one photo scores it
    ///     ([`GoodQuantiles`](crate::good_quantiles::GoodQuantiles)), of that model's banks and indices, `cells x (dim x 6 + 800)` of each
    ///     search, and the largest input's map, twice;
    ///   - before that the rows that [`Fitter::suggestions`] compares;
    ///   - in chunks of 1,024 rows, `dim x 6 + 800` bytes of each: the search that measures the bank's coverage;
    /// - 80 MiB: the program, with a GPU's backend if it has one (of a GPU's batch at most 32 MiB).
    ///
    /// Where the configuration has a budget ([`memory`](PatchCoreConfig::memory)), embeddings, selection and banks take no more than that,
    /// or what they take of all patches, where that is less ([`Fitter::budget_plan`]). Beside them come the rows of the photo that
    /// is being added, with its copies', those of up to 16 photos that are measured in the end, at most an eighth of the budget, and those
    /// that [`Fitter::suggestions`] compares.
    ///
    /// Before a fit in int8 the [`RangeSurvey`](crate::RangeSurvey) has the same networks in f32, and nothing of the fit: the larger of both
    /// counts.
    pub fn memory_bytes(patches: usize, largest: Size, ahead: u64, config: &PatchCoreConfig) -> u64 {
        let wide = |value: usize| value as u64;
        let sides = |size: Size| (size.height as usize, size.width as usize);
        let tile = match config.tiling {
            Tiling::Whole => largest,
            Tiling::Tiles { size, .. } => Size { width: largest.width.min(size), height: largest.height.min(size) },
        };
        let cells =
            |size: Size, stride: u32| size.height.div_ceil(stride) as usize * size.width.div_ceil(stride) as usize;
        let program = 80 << 20;
        let mut always = wide(program + network_bytes(&config.members, sides(tile), |member| member.network_precision));
        let surveyed: Vec<MemberConfig> =
            config.members.iter().filter(|of| of.network_precision.has_ranges()).cloned().collect();
        let survey = wide(program + network_bytes(&surveyed, sides(tile), |_| NetworkPrecision::F32));
        let (mut rows, mut indices, mut selecting, mut scoring, mut looks) = (0, 0, 0, 0, 0);
        let (mut searching, mut whole, mut waiting, mut measuring) = (0, 0, 0, 0);
        for (number, member) in config.members.iter().enumerate() {
            let (dim, (stride, _)) = (member.embedding_dim(), member.strides());
            let projected = RandomProjection::dim_for(member.projection, dim, patches).unwrap_or(dim);
            let bank = config.coreset_size(patches);
            // Rows as they are embedded and as a tile's are kept, and the deeper levels on their own grids; a tile's pixels.
            always += wide(4 * (cells(tile, stride) * 3 * dim + 3 * tile.width as usize * tile.height as usize));
            rows += wide(patches) * wide(dim * 4 + 16);
            let index = wide(bank) * wide(dim * 9 + 800);
            indices += index;
            selecting = selecting.max(wide(patches) * wide(projected * 8));
            searching += wide(cells(largest, stride) * (dim * 6 + 800));
            measuring = measuring.max(wide(QUERIES * (dim * 6 + 800)));
            scoring += index;
            let of_photo = wide(cells(largest, stride)) * wide(dim * 4 + 8);
            whole += wide(PHOTOS) * of_photo;
            waiting += wide(1 + config.copies.count()) * of_photo;
            if number == 0 && is_turned(0, sides(largest)) {
                // Of 16 photos the rows, of half of them twice more, and what is in an index of.
                looks = wide(LOOKED_AT * cells(largest, stride) * dim * 4 * 3);
            }
        }
        let (height, width) = sides(largest);
        let map = wide((4 * 2 + 1) * height * width);
        let Some(budget) = config.memory else {
            let then = looks.max(indices + selecting.max(scoring + searching + map).max(measuring));
            return (always + rows + ahead.max(then)).max(survey + ahead);
        };
        let of_budget = budget.min(bytes_of_all(config, wide(patches)));
        let beside = whole.min(most_sample_bytes(budget)) + looks + waiting;
        let then = (searching + map).max(measuring);
        (always + of_budget + beside + ahead.max(then)).max(survey + ahead)
    }
}

/// Bytes of the networks of all members, each once in each number format in which it is to compute, while a photo or tile of
/// `(height, width)` goes through: its weights and maps.
fn network_bytes(
    members: &[MemberConfig],
    (height, width): (usize, usize),
    precision: impl Fn(&MemberConfig) -> NetworkPrecision,
) -> usize {
    let mut seen: Vec<(&Network, NetworkPrecision)> = Vec::new();
    let mut bytes = 0;
    for member in members {
        let of_network = (&member.backbone, precision(member));
        if seen.contains(&of_network) {
            continue;
        }
        seen.push(of_network);
        let of_all = || members.iter().filter(|other| other.backbone == member.backbone);
        // Up to the deepest layer of any of them; the maps are the same with more of them tapped.
        let deepest = of_all().map(|member| (member.strides().1, &member.layers)).max_by_key(|(stride, _)| *stride);
        let plan = deepest.and_then(|(_, layers)| member.backbone.plan(layers).ok());
        // An application's own network says nothing of its weights and maps. In fewer bits no convolution is Winograd's, and no copy larger
        // than the weights.
        bytes += plan.map_or(0, |plan| {
            let copies = |kernel: usize| if kernel == 3 && of_network.1.is_f32() { 5 } else { 2 };
            let of_conv =
                plan.convolutions().map(|conv| copies(conv.kernel) * conv.weight_len() + 2 * conv.out_channels);
            4 * of_conv.sum::<usize>() + CpuNetwork::forward_bytes(&plan, height, width).unwrap_or(0) as usize
        });
    }
    bytes
}
