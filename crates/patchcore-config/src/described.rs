//! A configuration in words, for people.

use crate::bank_size::BankSize;
use crate::member_config::MemberConfig;
use crate::patchcore_config::PatchCoreConfig;
use crate::rules::ImageScoreRule;
use crate::view::Tiling;

impl PatchCoreConfig {
    /// The configuration in words, one row a setting: what `patchcore inspect` and the reports print. A new setting gets
    /// its row here.
    pub fn described(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![("mode", self.rules_name())];
        let of_member = |member: &MemberConfig| [("backbone", member.to_string()), ("patch", member.patch())];
        rows.extend(self.members.iter().flat_map(of_member));
        rows.extend([
            ("input", self.view.to_string()),
            ("looks at", self.looks_at()),
            ("copies", self.copies.to_string()),
            match self.bank_size() {
                BankSize::Ratio(ratio) => ("coreset ratio", ratio.to_string()),
                BankSize::Rows(rows) => ("bank rows", rows.to_string()),
                BankSize::Coverage(radius) => ("coverage", format!("radius {radius} at most")),
            },
            ("bank format", self.bank_dtype.name().to_owned()),
        ]);
        if let Some(bytes) = self.memory {
            rows.push(("fit's budget", format!("{} MiB", bytes as f64 / f64::from(1 << 20))));
        }
        if self.image_score != ImageScoreRule::MaximumOfMap {
            rows.push(("neighbours", self.num_neighbors.to_string()));
        }
        rows.push(("seed", self.seed.to_string()));
        rows
    }

    /// Region of interest, tiles and range of samples.
    fn looks_at(&self) -> String {
        let region = match &self.region {
            None => "the whole photo".to_owned(),
            Some(region) => format!("{} pixels of photos of {}", region.inside_pixels(), region.size),
        };
        let tiled = match self.tiling {
            Tiling::Whole => region,
            Tiling::Tiles { size, overlap } => format!("{region}, in tiles of {size} with an overlap of {overlap}"),
        };
        match self.full_scale {
            None => tiled,
            Some(white) => format!("{tiled}; {white} is white in 16-bit photos"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::backbone::Architecture;
    use crate::mode::Mode;
    use crate::network_precision::NetworkPrecision;
    use crate::view::{Pad, Resampling, Resize, Tiling, View};

    #[test]
    fn a_configuration_describes_itself() {
        let mut config = Mode::Authors.config(Architecture::RESNET18).with_seed(7).with_full_scale(Some(4095));
        config.view = View { pad: Pad::ToMultiple(16), ..View::resized(Resize::Short(256), Resampling::Pil8Bit) };
        config.tiling = Tiling::Tiles { size: 512, overlap: 64 };
        config.members[0].weight = 0.5;
        let in_int8 = config.clone().with_network_precision(NetworkPrecision::Int8).described();
        assert_eq!(in_int8[0].1, "authors with network_precision int8");
        assert_eq!(in_int8[1].1, "resnet18, layers layer2, layer3, in int8, weight 0.5");
        let rows: Vec<String> = config.described().iter().map(|(key, value)| format!("{key}: {value}")).collect();
        assert_eq!(
            rows,
            [
                "mode: authors",
                "backbone: resnet18, layers layer2, layer3, weight 0.5",
                "patch: 3 x 3 cells, pooled to 1024, then 1024 values",
                "input: short side to 256, no crop, padded to multiples of 16",
                "looks at: the whole photo, in tiles of 512 with an overlap of 64; 4095 is white in 16-bit photos",
                "copies: none",
                "coreset ratio: 0.1",
                "bank format: f32",
                "neighbours: 1",
                "seed: 7",
            ]
        );
    }
}
