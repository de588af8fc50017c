//! Whether dense convolutions run on a matrix unit, and on which.

use crate::simd::Level;
#[cfg(target_arch = "x86_64")]
use crate::simd::amx::Amx;

/// What multiplies matrices beside the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MatrixUnit {
    /// Nothing.
    None,
    /// AMX.
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
    /// A model of it.
    #[cfg(all(test, target_arch = "x86_64"))]
    Model,
}

impl MatrixUnit {
    /// That of a level.
    pub(super) fn of(level: Level) -> Self {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Amx(token) => Self::Amx(token),
            _ => Self::None,
        }
    }
}

#[cfg(test)]
impl MatrixUnit {
    /// Every level that this processor has, with its unit; and the widest one that multiplies bytes with a model of a unit.
    pub(super) fn all() -> Vec<(Level, Self)> {
        let levels = Level::available();
        let units = levels.iter().map(|level| (*level, Self::of(*level)));
        #[cfg(target_arch = "x86_64")]
        let model = levels.iter().rfind(|level| matches!(level, Level::AvxVnni(_) | Level::Avx512Vnni(_)));
        #[cfg(target_arch = "x86_64")]
        let units = units.chain(model.map(|level| (*level, Self::Model)));
        units.collect()
    }
}
