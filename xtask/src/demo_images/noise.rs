//! Smooth seeded noise: the grain of surfaces, without tables and the same for every run.

/// A field of noise; two fields with different seeds have nothing in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise(u64);

impl Noise {
    /// A field of its own for each seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// Value in [-1, 1] that changes over a distance of about one.
    pub(super) fn at(self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (u, v) = (smooth(x - left), smooth(y - top));
        let (i, j) = (left as i64, top as i64);
        let upper = mix(self.lattice(i, j), self.lattice(i + 1, j), u);
        let lower = mix(self.lattice(i, j + 1), self.lattice(i + 1, j + 1), u);
        mix(upper, lower, v)
    }

    /// Three octaves of [`Noise::at`], in about [-1, 1].
    pub(super) fn rough(self, x: f32, y: f32) -> f32 {
        0.55 * self.at(x, y) + 0.3 * self.at(x * 2.1 + 17.0, y * 2.1) + 0.15 * self.at(x * 4.3, y * 4.3 + 31.0)
    }

    fn lattice(self, i: i64, j: i64) -> f32 {
        let mut bits =
            self.0 ^ (i as u64).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ (j as u64).wrapping_mul(0xa076_1d64_78bd_642f);
        bits = (bits ^ bits >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        bits = (bits ^ bits >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (bits >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
}

/// Linear interpolation.
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `from`, 1 above `to` (or the other way round when `to < from`), smooth between.
pub(super) fn step(from: f32, to: f32, x: f32) -> f32 {
    smooth(((x - from) / (to - from)).clamp(0.0, 1.0))
}

fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}
