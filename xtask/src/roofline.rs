//! What a card would take at the least: the larger of the time for its multiplications and the time for its memory.

/// A card's figures, as its maker states them.
pub struct Card {
    /// Its name, with the number format.
    pub name: &'static str,
    /// Floating-point operations a second.
    flops: f64,
    /// Bytes a second between memory and processor.
    bytes: f64,
    /// Bytes of a value, where memory is counted in values of four.
    value: f64,
}

/// A data centre's card in its three precisions, and the card of a PC on the line.
pub const CARDS: [Card; 4] = [
    Card { name: "H100 f32", flops: 60e12, bytes: 3.3e12, value: 4.0 },
    Card { name: "H100 tf32", flops: 400e12, bytes: 3.3e12, value: 4.0 },
    Card { name: "H100 f16", flops: 900e12, bytes: 3.3e12, value: 2.0 },
    Card { name: "line PC f32", flops: 30e12, bytes: 0.6e12, value: 4.0 },
];

impl Card {
    /// Milliseconds for so many multiplications with an addition, and bytes in f32. What a launch costs, and what a kernel leaves
    /// unused, comes on top.
    pub fn milliseconds(&self, multiply_adds: u64, bytes: u64) -> f64 {
        let compute = 2.0 * multiply_adds as f64 / self.flops;
        let memory = bytes as f64 * (self.value / 4.0) / self.bytes;
        1e3 * compute.max(memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_both_counts() {
        let [f32, _, f16, line] = &CARDS;
        let close = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
        // 30 Tflop of multiplications with additions are 60 Tflop: a second; 330 MB are a tenth of a millisecond.
        close(f32.milliseconds(30_000_000_000_000, 330_000_000), 1e3);
        close(f32.milliseconds(1, 330_000_000), 0.1);
        close(f16.milliseconds(1, 330_000_000), 0.05);
        close(line.milliseconds(15_000_000_000, 0), 1.0);
    }
}
