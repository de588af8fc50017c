//! A network of 8 bits: the same plan as [`CpuNetwork`](super::CpuNetwork)'s, with maps and weights of a byte each.
//!
//! # The definition
//!
//! Every operation is named here with its rounding, so that every processor computes the same bits; [`oracle`] is it in plain loops.
//!
//! A *map* (slot) has for every channel `c` a range `[low, high]` that holds 0. Its values are written `q` in `0..=255`, where
//! `x = s (q - z)`, `s = (high - low) / 255` and `z = -low / s`, rounded to a whole number but in the image: there a pixel of a photo
//! with 8 bits is `q` itself. A map that is only returned has `s = 1` and `z = 0`; that of a pool has
//! the `s` and `z` of what is pooled.
//!
//! *Weights* take the scales of the input in, `w'[o][c] = w[o][c] s_in[c]`, and are written `k = round(w' / d[o])` in `-127..=127`,
//! where `d[o] = max |w'[o]| / 127`.
//!
//! A *convolution* sums in `i32`, exactly: `a = sum (q - p_in) k`, where `p_in` is the whole number next to `z_in`, and also what lies
//! beyond the edge. Then, in `f32`, each operation rounded once and none fused:
//!
//! `y = f32(a) (d / s_out) + offset`, with a residual `y = y + f32(r) (s_r / s_out)`
//!
//! (`offset` is the bias in steps of the output and all the zeros). The output is `y` held between the activation's bounds, rounded,
//! halves to even. A *tap* is made of the same `y`, before it is rounded or clipped to the range: `y s_out - z s_out`, held between the
//! activation's bounds.
//!
//! In a map what is no number is the largest value; a tap may be no number, and which bits that has is not defined.
//!
//! What is computed once (`s`, `z`, `d`, factors) is computed in `f64` and rounded once.

mod bf16;
pub mod bf16_oracle;
#[cfg(test)]
mod bf16_tests;
#[cfg(test)]
mod by_hand_tests;
mod definition;
mod dense;
mod depthwise;
mod depthwise_rows;
#[cfg(test)]
mod digest_tests;
mod executor;
mod finish;
mod finish_row;
mod halves;
mod kernel_set;
mod kernel_sets;
mod load;
mod load_line;
mod matrix_unit;
mod one_value;
pub mod oracle;
mod pool_rows;
mod range_policy;
mod reduced_network;
#[cfg(target_arch = "aarch64")]
mod shifted_bytes;
mod storage;
mod taps;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(target_arch = "x86_64")]
mod tiles;
mod window_tiles;
mod winograd;
#[cfg(test)]
mod winograd_tests;

pub use range_policy::ranges_of;
pub use reduced_network::{ReducedNetwork, ReducedWorkspace};
