//! Copies of every photo that go into the fit beside it: what may differ between good photos of a line and does not in those of the fit.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// Copies of a photo, made of the network's input. Their patches count like the photo's: the memory bank grows in proportion.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copies {
    /// One copy for each factor: every value times the factor, at most 1. For light that is not steady.
    #[serde(default)]
    pub light: Vec<f32>,
    /// Copies that are turned or mirrored.
    #[serde(default)]
    pub turned: Turned,
}

/// How copies are turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turned {
    /// Not at all.
    #[default]
    No,
    /// Seven copies, each turned by 45 degrees more than the one before, about the centre. Cells count that show nothing but the photo.
    EighthTurns,
    /// Two copies: left and right exchanged, and top and bottom.
    Mirrored,
}

impl Copies {
    /// 20 % less light, and 20 % more.
    pub const UNSTEADY_LIGHT: [f32; 2] = [0.8, 1.2];

    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How many copies a photo has.
    pub fn count(&self) -> usize {
        let turned = match self.turned {
            Turned::No => 0,
            Turned::EighthTurns => 7,
            Turned::Mirrored => 2,
        };
        self.light.len() + turned
    }

    pub(crate) fn verify(&self) -> Result<(), ConfigError> {
        let usable = |factor: &f32| (0.01..=100.0).contains(factor) && *factor != 1.0;
        if self.light.len() > 16 || !self.light.iter().all(usable) {
            return Err(ConfigError::OutOfRange {
                parameter: "copies",
                found: format!("light {:?}", self.light),
                expected: "at most 16 factors from 0.01 to 100, none of them 1",
            });
        }
        Ok(())
    }
}

impl fmt::Display for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let light = (!self.light.is_empty()).then(|| {
            let factors: Vec<String> = self.light.iter().map(|factor| format!("x{factor}")).collect();
            format!("light {}", factors.join(" and "))
        });
        let turned = match self.turned {
            Turned::No => None,
            Turned::EighthTurns => Some("turned by 45 degrees, seven times".to_owned()),
            Turned::Mirrored => Some("mirrored both ways".to_owned()),
        };
        let all: Vec<String> = light.into_iter().chain(turned).collect();
        f.write_str(if all.is_empty() { "none" } else { "" })?;
        f.write_str(&all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_counted_named_and_checked() {
        let light = Copies { light: Copies::UNSTEADY_LIGHT.to_vec(), ..Copies::default() };
        assert_eq!((light.count(), light.to_string().as_str()), (2, "light x0.8 and x1.2"));
        let both = Copies { turned: Turned::EighthTurns, ..light };
        assert_eq!(
            (both.count(), both.to_string().as_str()),
            (9, "light x0.8 and x1.2, turned by 45 degrees, seven times")
        );
        assert!(both.verify().is_ok());
        assert_eq!((Copies::default().count(), Copies::default().to_string().as_str()), (0, "none"));
        for light in [vec![1.0], vec![0.0], vec![f32::NAN], vec![f32::INFINITY], vec![0.5; 17]] {
            let refused = Copies { light, ..Copies::default() }.verify().unwrap_err().to_string();
            assert!(refused.starts_with("copies is light ["), "{refused}");
        }
    }
}
