//! Random choices of one picture: a portable generator with the few draws that the scene needs.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

/// A stream of draws; the same seed and stream give the same picture.
pub(super) struct Random(Pcg64Mcg);

impl Random {
    /// One stream for each picture.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        // The lowest bit of this generator's state is always one: the seed begins above it.
        let state = u128::from(stream.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 ^ u128::from(seed) << 1 | 1;
        let mut generator = Pcg64Mcg::new(state);
        for _ in 0..8 {
            generator.next_u64();
        }
        Self(generator)
    }

    /// Any seed.
    pub(super) fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [low, high).
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.0.next_u32() >> 8) as f32 / (1_u32 << 24) as f32
    }

    /// About standard normal: the sum of twelve uniform draws.
    pub(super) fn normal(&mut self) -> f32 {
        (0..6)
            .map(|_| {
                let bits = self.0.next_u32();
                (bits & 0xffff) as f32 + (bits >> 16) as f32
            })
            .sum::<f32>()
            / 65536.0
            - 6.0
    }
}
