//! The inner kernel of the image's entry: a row of one channel.

use super::storage::Element;

/// How the values of a channel become elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<E> {
    /// Steps a unit.
    pub(super) factor: f32,
    /// The zero in steps.
    pub(super) offset: f32,
    /// The least step.
    pub(super) least: f32,
    /// The largest step.
    pub(super) largest: f32,
    /// What is beyond the edge.
    pub(super) padding: E,
}

/// A row of one channel.
#[derive(Clone, Copy)]
pub(super) struct Line<E> {
    pub(super) from: *const f32,
    pub(super) to: *mut E,
    /// Elements between pixels.
    pub(super) step: usize,
    pub(super) width: usize,
    pub(super) entry: Entry<E>,
}

/// The compiler makes vectors of it.
///
/// # Safety
/// Both ends must be valid for the width.
#[inline(always)]
pub(super) unsafe fn load_line<E: Element>(line: &Line<E>) {
    let Entry { factor, offset, least, largest, .. } = line.entry;
    let element = |value: f32| {
        let value = value * factor + offset;
        let value = if value < largest { value } else { largest };
        E::from_float(if value > least { value } else { least })
    };
    // SAFETY: the caller's contract.
    unsafe {
        let from = std::slice::from_raw_parts(line.from, line.width);
        if line.step == 1 {
            let to = std::slice::from_raw_parts_mut(line.to, line.width);
            to.iter_mut().zip(from).for_each(|(to, from)| *to = element(*from));
        } else {
            from.iter().enumerate().for_each(|(x, value)| *line.to.add(x * line.step) = element(*value));
        }
    }
}
