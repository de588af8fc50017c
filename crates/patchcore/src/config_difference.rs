//! What two models' configurations differ in, but for what their fits have measured.

use patchcore_config::{Checked, PatchCoreConfig};
use serde_json::Value;

/// Characters of a value that an error shows.
const SHOWN: usize = 80;

/// A value in which two models differ.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// As the model's file calls it: `members[1].patch_size`.
    pub(crate) name: String,
    /// The one model's value, as JSON; `none` where it has none.
    pub(crate) a: String,
    /// The other's.
    pub(crate) b: String,
}

/// The first difference of two configurations, by the names of their fields. What a fit measures (sizes of inputs, factors of levels, weights of members) and what it
/// may hold of memory may differ.
pub(crate) fn first_difference(a: &Checked, b: &Checked) -> Option<Difference> {
    let value = |config: &Checked| serde_json::to_value(as_before_the_fit(config)).unwrap_or(Value::Null);
    differing("", Some(&value(a)), Some(&value(b)))
}

/// A configuration without what a fit has measured.
fn as_before_the_fit(config: &Checked) -> PatchCoreConfig {
    let mut config = config.clone().into_config();
    config.view.sizes = config.view.sizes.after_the_fit([]);
    config.memory = None;
    for member in &mut config.members {
        member.level_scaling = member.level_scaling.after_the_fit(&[]);
        if !member.weighting.is_as_given() {
            member.weight = 1.0;
        }
    }
    config
}

fn differing(name: &str, a: Option<&Value>, b: Option<&Value>) -> Option<Difference> {
    if a == b {
        return None;
    }
    match (a, b) {
        (Some(Value::Object(of_a)), Some(Value::Object(of_b))) => {
            let keys = of_a.keys().chain(of_b.keys().filter(|key| !of_a.contains_key(*key)));
            let below = |key: &String| if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
            keys.into_iter().find_map(|key| differing(&below(key), of_a.get(key), of_b.get(key)))
        }
        (Some(Value::Array(of_a)), Some(Value::Array(of_b))) if of_a.len() == of_b.len() => {
            let pairs = of_a.iter().zip(of_b).enumerate();
            pairs.into_iter().find_map(|(at, (a, b))| differing(&format!("{name}[{at}]"), Some(a), Some(b)))
        }
        _ => Some(Difference { name: name.to_owned(), a: shown(a), b: shown(b) }),
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "none".to_owned() };
    let text = value.to_string();
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str("..");
    }
    shown
}

#[cfg(test)]
mod tests {
    use patchcore_config::{Architecture, Mode, Resize, Size};

    use super::*;

    fn config(change: impl Fn(&mut PatchCoreConfig)) -> Checked {
        let mut config = Mode::Line.config(Architecture::RESNET18);
        change(&mut config);
        config.check().unwrap()
    }

    /// The name, and both values.
    fn difference(change: impl Fn(&mut PatchCoreConfig)) -> Option<(String, String, String)> {
        let found = first_difference(&config(|_| ()), &config(change))?;
        Some((found.name, found.a, found.b))
    }

    #[test]
    fn what_a_fit_measures_may_differ() {
        let fitted = |variance: f64, weight: f32, side: u32| {
            move |config: &mut PatchCoreConfig| {
                let size = Size { width: side, height: side };
                config.view.sizes = config.view.sizes.after_the_fit([size]);
                config.memory = Some(u64::from(side) << 20);
                for member in &mut config.members {
                    let variances: Vec<f64> = (0..member.layers.len()).map(|at| 1.0 + variance * at as f64).collect();
                    (member.level_scaling, member.weight) = (member.level_scaling.after_the_fit(&variances), weight);
                }
            }
        };
        assert!(config(|_| ()).members.iter().all(|member| !member.weighting.is_as_given()));
        let (one, other) = (config(fitted(1.0, 0.3, 256)), config(fitted(3.0, 0.7, 512)));
        assert_ne!(one, other);
        assert_eq!(first_difference(&one, &other), None);
    }

    #[test]
    fn the_first_difference_is_named_with_both_values() {
        let expected = |name: &str, a: &str, b: &str| Some((name.to_owned(), a.to_owned(), b.to_owned()));
        assert_eq!(difference(|_| ()), None);
        assert_eq!(difference(|config| config.seed = 7), expected("seed", "0", "7"));
        assert_eq!(difference(|config| config.members[1].patch_size = 5), expected("members[1].patch_size", "3", "5"));
        assert_eq!(difference(|config| config.bank_rows = Some(64)), expected("bank_rows", "none", "64"));
        let (name, a, b) = difference(|config| config.view.resize = Resize::Short(300)).unwrap();
        assert!(name.starts_with("view.resize") && a != b && b.contains("300"), "{name} {a} {b}");
        let (name, a, _) = difference(|config| drop(config.members.pop())).unwrap();
        assert!(name == "members" && a.len() <= SHOWN + 2, "{name} {a}");
    }
}
