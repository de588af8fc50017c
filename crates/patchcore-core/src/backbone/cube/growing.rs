//! Which maps lie in the memory of a map that they become a part of: DenseNet's growing map is written once, layer by layer.

use patchcore_config::backbone::plan::{ConvStep, Plan, Slot, Step};

use super::depthwise_kernel::is_depthwise;

/// Channels of a larger map that are a slot's own map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// The slot of the larger map: what a chain of concatenations ends with.
    pub whole: Slot,
    /// Its first channel that belongs to this map.
    pub first: usize,
}

/// For every slot its share of a larger map; `None` where it has memory of its own, from which a concatenation copies it.
pub(super) fn shares(plan: &Plan) -> Vec<Option<Share>> {
    let mut shares: Vec<Option<Share>> = vec![None; plan.slots];
    // The last one first: it decides how large the map is.
    for step in plan.steps.iter().rev() {
        let Step::Concat { from, with, to, channels } = *step else { continue };
        let Share { whole, first } = share_of(&shares, to);
        for (slot, first) in [(from, first), (with, first + channels.0)] {
            let is_free = share_of(&shares, slot).whole == slot;
            if let (true, true, Some(share)) = (is_free, may_lie_within(plan, slot, step), shares.get_mut(slot)) {
                *share = Some(Share { whole, first });
            }
        }
    }
    shares
}

/// Where a slot's map lies: a map of its own is all of itself.
pub(super) fn share_of(shares: &[Option<Share>], slot: Slot) -> Share {
    shares.get(slot).copied().flatten().unwrap_or(Share { whole: slot, first: 0 })
}

/// Whether kernels can write and read a map whose pixels lie apart, but for the concatenation `joins`, which then has nothing to do.
fn may_lie_within(plan: &Plan, slot: Slot, joins: &Step) -> bool {
    let is_dense = |conv: &ConvStep| !is_depthwise(conv);
    let written = |step: &Step| match step {
        // What is added has the layout of the output.
        Step::Conv(conv) => is_dense(conv) && conv.add.is_none(),
        Step::MaxPool { .. } | Step::Concat { .. } | Step::AveragePool { .. } => true,
    };
    let read = |step: &Step| match step {
        Step::Conv(conv) => is_dense(conv) && conv.add != Some(slot),
        Step::AveragePool { .. } => true,
        Step::Concat { from, with, .. } => step == joins && from != with,
        Step::MaxPool { .. } => false,
    };
    let mut writers = plan.steps.iter().filter(|step| step.to() == slot);
    let mut readers = plan.steps.iter().filter(|step| step.reads().any(|other| other == slot));
    let is_tapped = plan.taps.iter().any(|tap| tap.slot == slot);
    slot != 0 && !is_tapped && writers.all(written) && readers.all(read)
}

#[cfg(test)]
mod tests {
    use patchcore_config::backbone::plan::{Activation, Conv, Padding, PlanWriter};

    use super::*;

    fn conv(channels: (usize, usize), groups: usize) -> Conv {
        Conv { channels, kernel: 1, stride: 1, padding: Padding::Symmetric(0), groups, prologue: false }
    }

    /// A stem of 8 channels and layers that add 4 each; `depthwise` of the layers makes theirs by one.
    fn chain(layers: usize, depthwise: &[usize], tapped: &[&str]) -> (Plan, Vec<Slot>, Vec<Slot>) {
        let mut writer = PlanWriter::new(tapped);
        let identity = Activation::Identity;
        let mut at = writer.conv("stem".to_owned(), 0, conv((3, 8), 1), None, identity);
        let (mut grown, mut added) = (vec![at], Vec::new());
        for layer in 0..layers {
            let channels = 8 + 4 * layer;
            let mut own = writer.conv(format!("{layer}"), at, conv((channels, 4), 1), None, identity);
            if depthwise.contains(&layer) {
                own = writer.conv(format!("{layer} deep"), own, conv((4, 4), 4), None, identity);
            }
            at = writer.concat((at, channels), (own, 4));
            grown.push(at);
            added.push(own);
            writer.tap(&format!("{layer}"), at, channels + 4, 1);
        }
        (writer.finish(), grown, added)
    }

    #[test]
    fn a_block_is_one_map_that_grows() {
        let (plan, grown, added) = chain(3, &[], &["2"]);
        plan.check().unwrap();
        let (shares, whole) = (shares(&plan), grown[3]);
        for slot in &grown[..3] {
            assert_eq!(shares[*slot], Some(Share { whole, first: 0 }));
        }
        for (layer, slot) in added.iter().enumerate() {
            assert_eq!(shares[*slot], Some(Share { whole, first: 8 + 4 * layer }));
        }
        assert_eq!((shares[whole], shares[0]), (None, None));
    }

    #[test]
    fn what_kernels_cannot_write_or_read_apart_has_memory_of_its_own() {
        // Of a depthwise convolution the kernel writes neighbouring pixels alone.
        let (plan, grown, added) = chain(2, &[1], &["1"]);
        let whole = grown[2];
        let of_first = Some(Share { whole, first: 8 });
        assert_eq!((shares(&plan)[added[0]], shares(&plan)[added[1]]), (of_first, None));
        // A level in the midst of the block is handed out as it is; what it is made of lies in it.
        let (plan, grown, added) = chain(3, &[], &["1", "2"]);
        let found = shares(&plan);
        assert_eq!((found[grown[2]], found[grown[3]]), (None, None));
        assert_eq!(found[grown[1]], Some(Share { whole: grown[2], first: 0 }));
        assert_eq!(found[added[2]], Some(Share { whole: grown[3], first: 16 }));
        // Joined to itself, or twice.
        let mut twice = chain(1, &[], &["0"]).0;
        let (to, channels) = (twice.slots, (4, 4));
        let own = twice.steps[1].to();
        twice.steps.push(Step::Concat { from: own, with: own, to, channels });
        twice.slots += 1;
        assert_eq!(shares(&twice)[own], None);
    }
}
