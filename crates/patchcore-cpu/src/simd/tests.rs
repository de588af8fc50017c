//! Every operation of every set against its definition, on one number after the other.

use super::{ExactLanes, LANES, Lanes, Level, Portable, dispatch, dispatch_exact};

/// Numbers with which rounding, signs and order are seen, and those that have none.
const SPECIAL: [f32; 12] =
    [0.0, -0.0, 1.0, -1.0, 1e-42, 3.3e38, -3.3e38, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0 + f32::EPSILON, 0.1];

fn floats(seed: usize) -> [f32; LANES] {
    std::array::from_fn(|lane| {
        let at = lane * 7 + seed * 5;
        if at.is_multiple_of(3) {
            SPECIAL[at / 3 % SPECIAL.len()]
        } else {
            (at.wrapping_mul(2_654_435_761) % 1_000_003) as f32 / 777.0 - 600.0
        }
    })
}

fn integers(seed: usize) -> [i32; LANES] {
    std::array::from_fn(|lane| ((lane + seed * 3).wrapping_mul(2_654_435_761) as i32) >> (lane % 5 * 4 + 2))
}

fn shorts(seed: usize) -> [i16; 2 * LANES] {
    std::array::from_fn(|lane| ((lane + seed * 11).wrapping_mul(40_503) % 16_384) as i16 - 8_192)
}

/// Pairs of bytes of every value, the largest and the least among them.
fn bytes(seed: usize) -> [i16; 2 * LANES] {
    std::array::from_fn(|lane| match lane + seed {
        at if at % 5 == 0 => [i16::MAX, i16::MIN, -1, 0x7f80, 0x00ff][at / 5 % 5],
        at => (at.wrapping_mul(2_654_435_761) >> 7) as i16,
    })
}

/// What the operations on floats give, in their order.
type Floats = [[f32; LANES]; 8];

#[inline(always)]
unsafe fn run_floats<L: Lanes>(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES], out: &mut Floats) {
    // SAFETY: sixteen floats each.
    unsafe {
        let (x, y, z) = (L::load(a.as_ptr()), L::load(b.as_ptr()), L::load(c.as_ptr()));
        let (least, most) = (L::at_least(x, y), L::at_most(x, y));
        let all = [L::splat(a[3]), L::add(x, y), L::sub(x, y), L::mul_add(x, y, z), least, most, x, L::mul(x, y)];
        for (to, value) in out.iter_mut().zip(all) {
            L::store(to.as_mut_ptr(), value);
        }
        L::prefetch(a.as_ptr());
    }
}

dispatch! {
    fn floats_of(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES], out: &mut Floats) => run_floats
}

/// Holds the operations on floats against their definitions; any NaN is as good as another.
fn check_floats(level: Level, a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) {
    let mut found = [[0.0; LANES]; 8];
    // SAFETY: the level is there.
    unsafe { floats_of(level, a, b, c, &mut found) };
    let lane =
        |f: &dyn Fn(f32, f32, f32) -> f32| -> [f32; LANES] { std::array::from_fn(|lane| f(a[lane], b[lane], c[lane])) };
    let expected = [
        [a[3]; LANES],
        lane(&|a, b, _| a + b),
        lane(&|a, b, _| a - b),
        lane(&|a, b, c| if level.is_fused() { a.mul_add(b, c) } else { a * b + c }),
        lane(&|bound, x, _| if bound > x { bound } else { x }),
        lane(&|bound, x, _| if bound < x { bound } else { x }),
        *a,
        lane(&|a, b, _| a * b),
    ];
    for (operation, (found, expected)) in found.iter().zip(&expected).enumerate() {
        for (lane, (found, expected)) in found.iter().zip(expected).enumerate() {
            let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
            let of = (a[lane], b[lane], c[lane]);
            assert!(same, "{level:?}, operation {operation}, lane {lane}, of {of:?}: {found} is not {expected}");
        }
    }
}

#[test]
fn floats_are_what_one_number_after_the_other_gives() {
    for level in Level::available() {
        for seed in 0..24 {
            check_floats(level, &floats(seed), &floats(seed + 1), &floats(seed + 2));
        }
    }
}

/// Zeros of both signs, infinities and NaN meet one another on either side of a comparison.
#[test]
fn floats_are_so_for_all_pairs_of_special_numbers() {
    let count = SPECIAL.len();
    let pairs = count * count;
    for level in Level::available() {
        for third in SPECIAL {
            for first in (0..pairs).step_by(LANES) {
                let a = std::array::from_fn(|lane| SPECIAL[(first + lane) % pairs / count]);
                let b = std::array::from_fn(|lane| SPECIAL[(first + lane) % count]);
                check_floats(level, &a, &b, &[third; LANES]);
            }
        }
    }
}

/// Masks with no bits, few, many, and all.
const POSITIONS: [u32; 6] = [0, 1 << 31, 0x8001_0040, 0x0000_ffff, 0xf0f0_7001, u32::MAX];

/// What the exact operations give, in their order.
#[derive(Debug, Default, PartialEq)]
struct Exact {
    integers: [[i32; LANES]; 9],
    mask: u32,
    short: [i16; LANES],
    few_shorts: u32,
    positions: Vec<u32>,
    bytes: [i32; LANES],
    doubles: [f64; LANES],
    total: f64,
}

#[inline(always)]
unsafe fn run_exact<S: ExactLanes>(seed: usize) -> Exact {
    let (a, b) = (integers(seed), integers(seed + 1));
    let (pairs, others, floats) = (shorts(seed), shorts(seed + 1), [floats(1), floats(2), floats(seed)]);
    let floats = floats.map(|values| values.map(|value| if value.is_finite() { value } else { 0.25 }));
    let (fours, other_fours) = (bytes(seed), bytes(seed + 1));
    let mut out = Exact::default();
    // SAFETY: sixteen numbers each, 32 of the pairs.
    unsafe {
        let (x, y) = (S::load_integers(a.as_ptr()), S::load_integers(b.as_ptr()));
        let (p, q) = (S::load_pairs(pairs.as_ptr()), S::load_pairs(others.as_ptr()));
        let half = S::splat_integer(seed as i32);
        let all = [
            x,
            half,
            S::add_integers(x, y),
            S::sub_integers(x, y),
            S::lesser(x, y),
            S::add_products(half, p, q),
            S::add_products(half, p, S::splat_pair(others.as_ptr().add(3))),
            S::add_byte_products(half, S::load_pairs(fours.as_ptr()), S::load_pairs(other_fours.as_ptr())),
            S::add_byte_products(half, S::load_pairs(fours.as_ptr()), S::splat_pair(other_fours.as_ptr().add(3))),
        ];
        for (to, value) in out.integers.iter_mut().zip(all) {
            S::store_integers(to.as_mut_ptr(), value);
        }
        let mixed: [i32; LANES] = std::array::from_fn(|lane| if lane % 3 == 0 { a[lane] } else { b[lane] });
        let mixed = S::load_integers(mixed.as_ptr());
        out.mask = S::not_above(mixed, x);
        S::store_short(out.short.as_mut_ptr(), x, 9);
        out.few_shorts = S::shorts_not_above(pairs.as_ptr(), others[0]);
        let mut positions = [0; 64];
        S::store_positions(positions.as_mut_ptr(), POSITIONS[seed % POSITIONS.len()], 5);
        out.positions = positions[..POSITIONS[seed % POSITIONS.len()].count_ones() as usize].to_vec();
        let bytes = shorts(seed).map(|value| (value >> 6) as i8);
        S::store_integers(out.bytes.as_mut_ptr(), S::add_products(half, p, S::load_bytes(bytes.as_ptr())));
        let mut sums = S::add_squares(S::no_doubles(), floats[0].as_ptr(), floats[1].as_ptr());
        sums = S::add_squares(sums, floats[1].as_ptr(), floats[2].as_ptr());
        S::store_doubles(out.doubles.as_mut_ptr(), sums);
        out.total = S::total(sums);
        S::prefetch_near(a.as_ptr().cast());
    }
    out
}

fn plain_exact(seed: usize) -> Exact {
    let (a, b) = (integers(seed), integers(seed + 1));
    let (pairs, others, floats) = (shorts(seed), shorts(seed + 1), [floats(1), floats(2), floats(seed)]);
    let floats = floats.map(|values| values.map(|value| f64::from(if value.is_finite() { value } else { 0.25 })));
    let lane = |f: &dyn Fn(usize) -> i32| -> [i32; LANES] { std::array::from_fn(f) };
    let product = |a: i16, b: i16| i32::from(a) * i32::from(b);
    let (fours, other_fours) = (bytes(seed), bytes(seed + 1));
    // Of four bytes, from so many pairs on.
    let of_bytes = |at: usize, other: usize| -> i32 {
        let of = |pairs: &[i16], at: usize| [pairs[at], pairs[at + 1]].map(i16::to_le_bytes).concat();
        let (a, b) = (of(&fours, at), of(&other_fours, other));
        a.into_iter().zip(b).map(|(a, b)| i32::from(a as i8) * i32::from(b)).sum()
    };
    let mixed: [i32; LANES] = std::array::from_fn(|lane| if lane % 3 == 0 { a[lane] } else { b[lane] });
    let mask = |f: &dyn Fn(usize) -> bool| (0..LANES).map(|lane| u32::from(f(lane)) << lane).sum();
    let square = |lane: usize, a: usize, b: usize| (floats[a][lane] - floats[b][lane]).powi(2);
    let doubles: [f64; LANES] = std::array::from_fn(|lane| square(lane, 0, 1) + square(lane, 1, 2));
    let mut halves = doubles.to_vec();
    while halves.len() > 1 {
        let upper = halves.split_off(halves.len() / 2);
        halves.iter_mut().zip(upper).for_each(|(lower, upper)| *lower += upper);
    }
    let half = seed as i32;
    Exact {
        integers: [
            a,
            [half; LANES],
            lane(&|lane| a[lane] + b[lane]),
            lane(&|lane| a[lane] - b[lane]),
            lane(&|lane| a[lane].min(b[lane])),
            lane(&|at| half + product(pairs[2 * at], others[2 * at]) + product(pairs[2 * at + 1], others[2 * at + 1])),
            lane(&|at| half + product(pairs[2 * at], others[3]) + product(pairs[2 * at + 1], others[4])),
            lane(&|at| half + of_bytes(2 * at, 2 * at)),
            lane(&|at| half + of_bytes(2 * at, 3)),
        ],
        mask: mask(&|lane| mixed[lane] <= a[lane]),
        short: a.map(|value| (value >> 9).clamp(-0x8000, 0x7fff) as i16),
        few_shorts: (0..2 * LANES).map(|at| u32::from(pairs[at] <= others[0]) << at).sum(),
        positions: (0..32).filter(|bit| POSITIONS[seed % POSITIONS.len()] >> bit & 1 == 1).map(|bit| bit + 5).collect(),
        bytes: lane(&|at| {
            let byte = |at: usize| i32::from((pairs[at] >> 6) as i8);
            half + i32::from(pairs[2 * at]) * byte(2 * at) + i32::from(pairs[2 * at + 1]) * byte(2 * at + 1)
        }),
        doubles,
        total: halves[0],
    }
}

#[test]
fn integers_pairs_and_doubles_are_what_one_number_after_the_other_gives() {
    for level in Level::available() {
        for seed in 0..24 {
            let found = dispatch_exact!(level, (seed: usize) -> Exact, run_exact, plain_exact);
            assert_eq!(found, plain_exact(seed), "{level:?}");
        }
    }
}

#[test]
fn plain_rust_is_always_there() {
    assert_eq!(Level::available()[0], Level::Portable);
    let mut out = [[0.0; LANES]; 8];
    // SAFETY: plain Rust; sixteen floats each.
    unsafe { run_floats::<Portable>(&[1.0; LANES], &[2.0; LANES], &[3.0; LANES], &mut out) };
    assert_eq!(out[3], [5.0; LANES]);
}
