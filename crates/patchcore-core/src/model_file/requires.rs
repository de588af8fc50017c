//! What a reader must know to give a model's scores: a name for everything in the file that decides them.
//!
//! A file lists its names under `requires`. A program that does not know one of them refuses the file: it would read it, leave
//! something out, and score otherwise in silence. A later version adds a name for what it adds, and no format version.

use patchcore_config::{BankDtype, BankSize, Checked, ImageScoreRule, MemberConfig, Network, Pad, Tiling};

use crate::network_group::network_names;

/// Every name that this version knows, and what it stands for: the table of `docs/reference/model-file.md`.
pub const REQUIREMENTS: [(&str, &str); 20] = [
    ("rules", "distance, image score, upsampling, border and smoothing are named one by one"),
    ("view", "resize, resampling and crop from the photo to the network's input"),
    ("members", "several members, whose maps are joined by their weights"),
    ("grid_layer", "a member's patches lie on the grid of a layer that is not its finest"),
    ("level_scaling", "a member's levels are multiplied by factors of the fit"),
    ("weighting", "a member's weight is named as given or as measured"),
    ("network_precision", "a member's network computes in bf16 or int8, in int8 with the ranges of the file"),
    ("own_network", "a network that the application gives, known by its name and digest alone"),
    ("whole_cells", "sides of the input are those of the fit or whole strides"),
    ("padding", "the input is padded to whole cells by reflection"),
    ("tiles", "the input is cut into tiles"),
    ("region", "only a part of the photo counts"),
    ("full_scale", "the white of 16-bit photos"),
    ("copies", "copies of the photos were fitted beside them"),
    ("bank_size", "banks of a number of rows, or of a coverage radius, instead of a share of the patches"),
    ("memory", "the fit kept to a budget of memory"),
    ("bank_f16", "bank values in f16"),
    ("embedded_weights", "the network's weights are in the file"),
    ("embedded_weights_by_network", "the weights of several networks are in the file, each under its network's name"),
    ("maximum_of_map_of_means", "the image score is the map's maximum, of patch scores over several neighbours"),
];

/// The names for a configuration, in the order of [`REQUIREMENTS`].
pub(super) fn requirements(config: &Checked, has_weights: bool) -> Vec<String> {
    let any = |of: &dyn Fn(&MemberConfig) -> bool| config.members.iter().any(of);
    let needed = |name: &str| match name {
        "rules" | "view" => true,
        "members" => config.members.len() > 1,
        "grid_layer" => any(&|member| member.grid_layer.is_some()),
        "level_scaling" => any(&|member| !member.level_scaling.is_none()),
        "weighting" => any(&|member| !member.weighting.is_as_given()),
        "network_precision" => any(&|member| !member.network_precision.is_f32()),
        "own_network" => any(&|member| matches!(member.backbone, Network::Own(_))),
        "whole_cells" => !config.view.sizes.is_as_resized(),
        "padding" => config.view.pad != Pad::None,
        "tiles" => config.tiling != Tiling::Whole,
        "region" => config.region.is_some(),
        "full_scale" => config.full_scale.is_some(),
        "copies" => !config.copies.is_none(),
        "bank_size" => !matches!(config.bank_size(), BankSize::Ratio(_)),
        "memory" => config.memory.is_some(),
        "bank_f16" => config.bank_dtype == BankDtype::F16,
        "embedded_weights" => has_weights && network_names(config).len() == 1,
        "embedded_weights_by_network" => has_weights && network_names(config).len() > 1,
        "maximum_of_map_of_means" => config.image_score == ImageScoreRule::MaximumOfMapOfMeans,
        _ => unreachable!("every name of the table is decided here"),
    };
    REQUIREMENTS.iter().map(|(name, _)| *name).filter(|name| needed(name)).map(str::to_owned).collect()
}

/// Those of a file's names that this version does not know.
pub(super) fn unknown(names: &[String]) -> Vec<String> {
    let known = |name: &&String| REQUIREMENTS.iter().any(|(known, _)| known == name);
    names.iter().filter(|name| !known(name)).cloned().collect()
}
