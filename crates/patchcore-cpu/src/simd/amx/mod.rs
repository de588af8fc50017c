//! The matrix unit of newer Intel processors (AMX): whether it is there, whether the operating system grants it, and whether it
//! computes what it should.
//!
//! | file | |
//! |---|---|
//! | `tiles.rs` | what such a unit does, as a trait |
//! | `unit.rs` | the unit itself, in assembly: this compiler has no functions for it |
//! | `model.rs` | the same in plain Rust: what tests run |
//! | `trial.rs` | what the unit must compute before anything relies on it |
//! | `grant.rs` | asking the operating system |

mod grant;
#[cfg(test)]
mod model;
mod product;
mod tiles;
mod trial;
mod unit;

use std::sync::OnceLock;

#[cfg(test)]
pub(crate) use model::Model;
pub(crate) use product::{OUTPUTS, PIXELS, Product, Sums};
pub(crate) use tiles::{ROW_BYTES, Shapes, TILE_BYTES, TILE_ROWS, Tiles};
pub(crate) use unit::Unit;

use super::avx512::Avx512;

/// The proof that this processor has AVX-512 with VNNI, and that this program may use tiles with products of bytes and of `bf16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amx(());

impl Amx {
    /// Whether the processor has the instructions and the operating system knows them. Nothing is asked for.
    pub(crate) fn is_there() -> bool {
        cfg!(target_os = "linux") && Avx512::<true>::detect().is_some() && grant::is_there()
    }

    /// The token, if they are there, the operating system grants them to this program (asked once), and their first products were right.
    pub(crate) fn detect() -> Option<Self> {
        static FOUND: OnceLock<bool> = OnceLock::new();
        let found = || {
            Self::is_there() && grant::ask() && {
                // SAFETY: the processor has the instructions, and the operating system has granted them.
                unsafe { trial::is_right(&mut Unit::new()) }
            }
        };
        FOUND.get_or_init(found).then_some(Self(()))
    }
}
