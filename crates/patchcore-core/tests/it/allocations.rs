//! What a call allocates once its sizes have been seen.

use patchcore_config::{Architecture, Mode};
use patchcore_core::{ComputeDevice, Extractor, ImageInput, ImageScore, Instructions, PatchCore};
use patchcore_cpu::network::{CpuNetwork, MapLayout, Workspace};

use crate::arrays::efficientnet_lite0;
use crate::counting_allocator::CountedPool;
use crate::formula::{fill, resnet};
use crate::implementations::plan;

#[test]
fn the_counter_counts() {
    let allocations = CountedPool::new(2).count(3, 10, || drop(std::hint::black_box(Box::new(7))));
    assert_eq!(allocations, [10; 3]);
}

#[test]
fn the_cpu_network_allocates_nothing_in_steady_state() {
    for (architecture, weights) in [
        (Architecture::EFFICIENTNET_LITE0, efficientnet_lite0()),
        (Architecture::RESNET34, resnet(Architecture::RESNET34)),
    ] {
        let network = CpuNetwork::new(Instructions::native(), &plan(architecture), &weights).unwrap();
        for (threads, images) in [(1, 1), (2, 1), (2, 3), (3, 2)] {
            let input = fill("input", &[images, 3, 47, 33], 2.0).data;
            let (mut workspace, mut maps) = (Workspace::new(), Vec::new());
            let rounds = CountedPool::new(threads).count(20, 5, || {
                let layout = MapLayout::ChannelsLast;
                network.forward(&input, images, 47, 33, layout, &mut workspace, &mut maps).unwrap();
            });
            // A worker's own lists grow at its first turns, which on a busy machine can come late. An allocation that
            // belongs to a call would be in every round.
            let not_free = rounds.iter().filter(|count| **count > 0).count();
            assert!(2 * not_free <= rounds.len(), "{architecture:?}, {threads} threads, {images} images: {rounds:?}");
        }
    }
}

#[test]
fn a_stream_of_embeddings_allocates_nothing() {
    for mode in [Mode::Paper, Mode::Anomalib, Mode::Authors] {
        let config = mode.config(Architecture::EFFICIENTNET_LITE0).check().unwrap();
        let extractor = Extractor::new(config, &efficientnet_lite0(), &ComputeDevice::flex()).unwrap();
        let pixels = photo();
        for threads in [1, 2] {
            let rounds = CountedPool::new(threads).count(12, 3, || {
                let image = ImageInput { width: SIDE, height: SIDE, pixels: &pixels };
                extractor.embed(&[image], &mut |embedded| assert!(!embedded.rows.is_empty())).unwrap();
            });
            // As above: what belongs to an embedding would be in every round.
            let not_free = rounds.iter().filter(|count| **count > 0).count();
            assert!(2 * not_free <= rounds.len(), "{mode:?}, {threads} threads: {rounds:?}");
        }
    }
}

/// Rows and columns of the photos that are embedded and scored.
const SIDE: usize = 96;

fn photo() -> Vec<f32> {
    fill("photo", &[3, SIDE, SIDE], 0.5).data.iter().map(|value| value + 0.5).collect()
}

/// The network, the embedding, the search, the scores and the map allocate nothing. Equation 7 keeps its few neighbours and their
/// distances in lists of their own.
#[test]
fn a_stream_of_scores_allocates_only_the_lists_of_equation_7() {
    for mode in [Mode::Paper, Mode::Anomalib, Mode::Authors] {
        let config = mode.config(Architecture::EFFICIENTNET_LITE0).check().unwrap();
        let rows = fill("bank", &[200, config.first().embedding_dim()], 1.0).data;
        let model = PatchCore::with_bank(config, &efficientnet_lite0(), rows, &ComputeDevice::flex()).unwrap();
        let pixels = photo();
        for threads in [1, 2] {
            let mut result = ImageScore::default();
            let rounds = CountedPool::new(threads).count(12, 3, || {
                model.score_into(ImageInput { width: SIDE, height: SIDE, pixels: &pixels }, &mut result).unwrap();
            });
            println!("{mode:?}, {threads} threads: {rounds:?} allocations in three scores each");
            // Four of them a score, three scores a round. As above: what belongs to a score would be in every round.
            let more = rounds.iter().filter(|count| **count > 3 * 4).count();
            assert!(2 * more <= rounds.len(), "{mode:?}, {threads} threads: {rounds:?}");
        }
    }
}
