//! What an instruction set offers: the kernels of every step, for maps of one kind of element.

use super::super::max_pool::Pool;
use super::depthwise_rows::Rows;
#[cfg(target_arch = "x86_64")]
use super::finish_row::SumsOfRow;
use super::load_line::Line;
use super::storage::Element;
use super::tile::{Form, Kernels};
use super::window_tiles::{FREQUENCIES, Gather, Scatter};

/// What carries out the steps on maps of such elements, on one instruction set.
pub(super) struct KernelSet<E: Element> {
    /// The kernels of the dense convolutions.
    pub(super) tiles: fn(Form) -> Kernels<E>,
    /// Rows of a depthwise convolution.
    pub(super) depthwise: unsafe fn(&Rows<E>),
    /// Rows of a max-pool.
    pub(super) pool: unsafe fn(&Pool<E>),
    /// A row of the image.
    pub(super) load: unsafe fn(&Line<E>),
    /// Winograd's transforms, where products of bytes are not to be had.
    pub(super) winograd: Option<Transforms<E>>,
    /// What follows the sums of a matrix unit.
    #[cfg(target_arch = "x86_64")]
    pub(super) finish: unsafe fn(&SumsOfRow<E>),
}

/// Winograd's transforms.
#[derive(Clone, Copy)]
pub(super) struct Transforms<E: Element> {
    /// The kernels of the products: their output is memory of the sums, which have 32 bits each.
    pub(super) sums: Kernels<E>,
    /// Of the nine weights of a filter.
    pub(super) filter: fn([E::Weight; 9]) -> [E::Weight; FREQUENCIES],
    /// Of windows of the input.
    pub(super) gather: unsafe fn(&Gather<E>),
    /// Of sums, and what follows them.
    pub(super) scatter: unsafe fn(&Scatter<E>),
}
