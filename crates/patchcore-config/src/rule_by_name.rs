//! A rule said by name and value, in the words in which a mix of rules is named: `image_score` and `maximum_of_map`, `level_scaling of
//! member 2` and `none`.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::error::ConfigError;
use crate::member_config::{FINEST, MemberConfig};
use crate::network_precision::NetworkPrecision;
use crate::patchcore_config::PatchCoreConfig;
use crate::rules::{EmbeddingRule, LevelScaling, ProjectionRule, Smoothing, StartRule};

impl PatchCoreConfig {
    /// The same with another rule. `key` and `value` are those that [`PatchCoreConfig::rules_name`] has: what it says of a mix can be
    /// said here. `members` keeps the first ones alone. Without `of member N` a member's rule is the first one's; but
    /// `network_precision` is then all members', so that those that share a network still do.
    ///
    /// ```
    /// use patchcore_config::{Architecture, Mode};
    ///
    /// # fn main() -> Result<(), patchcore_config::ConfigError> {
    /// let config = Mode::Line.config(Architecture::RESNET18).with_rule("level_scaling of member 2", "none")?;
    /// assert_eq!(config.rules_name(), "line with level_scaling of member 2 none");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::UnknownRule`], and [`ConfigError::OutOfRange`] for a value that the rule does not know.
    pub fn with_rule(mut self, key: &str, value: &str) -> Result<Self, ConfigError> {
        let unknown = || ConfigError::UnknownRule {
            key: key.to_owned(),
            known: self.rules().into_iter().map(|(key, _)| key).collect::<Vec<_>>().join(", "),
        };
        let (rule, number) = match key.split_once(" of member ") {
            Some((rule, number)) => (rule, number.parse::<usize>().map_err(|_| unknown())?),
            None => (key, 1),
        };
        let of_all = rule == key;
        match rule {
            "distance" if of_all => self.distance = by_name("distance", value, "l2 or squared_l2")?,
            "image_score" if of_all => {
                let expected = "maximum_of_means, reweighted, maximum_of_map or maximum_of_map_of_means";
                self.image_score = by_name("image_score", value, expected)?;
            }
            "upsampling" if of_all => self.upsampling = by_name("upsampling", value, "bilinear or nearest")?,
            "border" if of_all => {
                self.border = by_name("border", value, "reflect_edge_repeated or reflect_edge_once")?;
            }
            "smoothing" if of_all => {
                let sigma = value.strip_prefix("gaussian of sigma ").and_then(|sigma| sigma.parse().ok());
                self.smoothing = match (value, sigma) {
                    ("none", _) => Smoothing::None,
                    (_, Some(sigma)) => Smoothing::Gaussian { sigma },
                    _ => return Err(other("smoothing", value, "none, or gaussian of sigma 4")),
                };
            }
            "resampling" if of_all => {
                self.view.resampling = by_name("resampling", value, "pil8_bit, native or float")?;
            }
            "network_precision" if of_all => {
                let precision = NetworkPrecision::from_name(value)?;
                self.members.iter_mut().for_each(|member| member.network_precision = precision);
            }
            "members" if of_all => match value.parse() {
                Ok(count) if (1..=self.members.len()).contains(&count) => self.members.truncate(count),
                _ => return Err(other("members", value, "a number of members, none more than there are")),
            },
            _ => {
                let unknown = unknown();
                let index = number.wrapping_sub(1);
                let member = self.members.get_mut(index).ok_or_else(|| unknown.clone())?;
                if !member.set_rule(rule, value)? {
                    return Err(unknown);
                }
            }
        }
        Ok(self)
    }
}

impl MemberConfig {
    /// Whether there is such a rule, which then has the value.
    fn set_rule(&mut self, rule: &str, value: &str) -> Result<bool, ConfigError> {
        let number = |text: &str| text.parse().ok();
        match rule {
            "patch_size" => {
                self.patch_size = number(value).ok_or_else(|| other("patch_size", value, "an odd number of cells"))?;
            }
            "embedding" => {
                let pooled = value.strip_prefix("adaptive_pool to ").and_then(|text| text.split_once(", then "));
                let pooled = pooled.and_then(|(pretrain, target)| Some((number(pretrain)?, number(target)?)));
                self.embedding = match (value, pooled) {
                    ("concatenate", _) => EmbeddingRule::Concatenate,
                    (_, Some((pretrain, target))) => EmbeddingRule::adaptive_pool(pretrain, target),
                    _ => return Err(other("embedding", value, "concatenate, or adaptive_pool to 1024, then 1024")),
                };
            }
            "projection" => {
                let dense = value.strip_prefix("dense to ").and_then(number);
                let sparse = value.strip_prefix("sparse with eps ").and_then(|eps| eps.parse().ok());
                self.projection = match (value, dense, sparse) {
                    ("none", ..) => ProjectionRule::None,
                    (_, Some(dim), _) => ProjectionRule::Dense(dim),
                    (_, _, Some(eps)) => ProjectionRule::Sparse { eps },
                    _ => return Err(other("projection", value, "none, dense to 128, or sparse with eps 0.9")),
                };
            }
            "start" => {
                let rows = value.strip_prefix("mean_of_random_rows (").and_then(|text| text.strip_suffix(')'));
                self.start = match (value, rows.and_then(number)) {
                    ("farthest_from_mean", _) => StartRule::FarthestFromMean,
                    ("random_row", _) => StartRule::RandomRow,
                    (_, Some(rows)) => StartRule::MeanOfRandomRows(rows),
                    _ => {
                        let expected = "farthest_from_mean, random_row, or mean_of_random_rows (10)";
                        return Err(other("start", value, expected));
                    }
                };
            }
            "grid_layer" => self.grid_layer = (value != FINEST).then(|| value.to_owned()),
            "level_scaling" => {
                self.level_scaling = match value {
                    "none" => LevelScaling::None,
                    "equal_variance" => LevelScaling::EQUAL_VARIANCE,
                    _ => return Err(other("level_scaling", value, "none or equal_variance")),
                };
            }
            "weighting" => self.weighting = by_name("weighting", value, "as_given or good_patches")?,
            "network_precision" => self.network_precision = NetworkPrecision::from_name(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn other(parameter: &'static str, value: &str, expected: &'static str) -> ConfigError {
    ConfigError::OutOfRange { parameter, found: value.to_owned(), expected }
}

/// The variant that serde knows under this name.
fn by_name<'de, T: Deserialize<'de>>(
    parameter: &'static str,
    value: &'de str,
    expected: &'static str,
) -> Result<T, ConfigError> {
    let name: StrDeserializer<'de, ValueError> = value.into_deserializer();
    T::deserialize(name).map_err(|_| other(parameter, value, expected))
}

#[cfg(test)]
mod tests {

    use crate::backbone::Architecture;
    use crate::mode::{MODES, Mode};

    /// Every rule of every mode can be said to another mode by what is printed of it.
    #[test]
    fn what_names_a_mix_makes_it() {
        for (from, to) in MODES.into_iter().flat_map(|from| MODES.map(|to| (from, to))) {
            let (mut config, wanted) =
                (from.config(Architecture::RESNET18), to.config(Architecture::RESNET18).with_num_neighbors(9));
            config.view = wanted.view.clone();
            if config.members.len() < wanted.members.len() {
                config.members.push(Mode::Paper.member(Architecture::RESNET18, wanted.members[1].layers.clone()));
            }
            for (key, value) in wanted.rules() {
                config = config.with_rule(&key, &value).unwrap();
            }
            assert_eq!(config.rules(), wanted.rules(), "{from:?} {to:?}");
            // How many rows a bank has is no rule.
            let config = config.with_num_neighbors(9).with_coreset_sampling_ratio(wanted.coreset_sampling_ratio);
            assert_eq!(config, wanted, "{from:?} {to:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let refused = |key: &str, value: &str| {
            Mode::Line.config(Architecture::RESNET18).with_rule(key, value).unwrap_err().to_string()
        };
        assert!(refused("colour", "red").starts_with("there is no rule `colour`"), "{}", refused("colour", "red"));
        assert!(refused("start of member 3", "random_row").starts_with("there is no rule `start of member 3`"));
        assert!(refused("start of member 0", "random_row").starts_with("there is no rule"));
        assert!(refused("distance of member 1", "l2").starts_with("there is no rule"));
        let expected = "distance is cosine: expected l2 or squared_l2";
        assert_eq!(refused("distance", "cosine"), expected);
        for (key, value) in [
            ("smoothing", "gaussian"),
            ("members", "3"),
            ("members", "0"),
            ("embedding", "adaptive_pool to 8"),
            ("projection", "dense"),
            ("start", "mean_of_random_rows"),
            ("level_scaling", "equal"),
            ("weighting of member 2", "median"),
            ("patch_size", "three"),
            ("network_precision", "f16"),
        ] {
            let message = refused(key, value);
            assert!(message.contains(&format!("is {value}: expected")), "{message}");
        }
    }
}
