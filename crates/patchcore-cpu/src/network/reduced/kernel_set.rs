//! What an instruction set offers: the kernels of every step, for maps of one kind of element.

use super::depthwise_rows::Rows;
#[cfg(target_arch = "x86_64")]
use super::finish_row::SumsOfRow;
use super::load_line::Line;
use super::pool_rows::Pool;
use super::storage::Element;
use super::tile::{Form, Kernels};

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
    /// What follows the sums of a matrix unit.
    #[cfg(target_arch = "x86_64")]
    pub(super) finish: unsafe fn(&SumsOfRow<E>),
}
