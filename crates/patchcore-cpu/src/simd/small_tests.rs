//! What networks of 8 bits need of every set, against its definition, on one number after the other.

#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512, ByteLanes};
use super::{LANES, Level, ShortLanes};

/// Values that 255 steps hold or do not, ties of both kinds, and what is no number.
const VALUES: [f32; 4 * LANES] = [
    0.0,
    -0.0,
    0.5,
    1.5,
    2.5,
    254.5,
    255.0,
    255.5,
    256.0,
    -0.5,
    -0.6,
    -1.0,
    127.49,
    127.5,
    128.5,
    1e-42, //
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    3e38,
    -3e38,
    2_147_483_648.0,
    -2_147_483_648.0,
    4e9,
    -4e9,
    1e10,
    -1e10,
    65_535.0,
    65_536.0,
    -65_536.0,
    32_768.0,
    -32_769.0, //
    0.499_999_97,
    0.500_000_06,
    253.5,
    253.499_98,
    3.5,
    4.5,
    5.5,
    6.5,
    7.0,
    8.0,
    9.25,
    10.75,
    100.5,
    101.5,
    200.5,
    201.5, //
    255.49,
    254.999,
    1.0,
    2.0,
    4.0,
    16.0,
    32.0,
    64.0,
    128.0,
    192.0,
    240.0,
    248.0,
    252.0,
    253.0,
    254.0,
    256.5,
];

/// A value between 0 and 255, rounded; what is no number is 255.
fn byte(value: f32) -> u8 {
    if value.is_nan() { 255 } else { value.clamp(0.0, 255.0).round_ties_even() as u8 }
}

/// What the operations give, in their order.
#[derive(Debug, Default, PartialEq)]
struct Shorts {
    floats: [f32; LANES],
    loaded: [f32; LANES],
    stored: [[i16; LANES]; 4],
    sums: [i32; LANES],
}

/// Sums of as many bits as a network's, some too long for an `f32`.
fn sums(lane: usize) -> i32 {
    (lane.wrapping_mul(2_654_435_761) as i32) >> (lane % 4 * 5)
}

fn element(at: usize) -> u8 {
    [255, 0, 128, (at * 37 % 256) as u8][at % 4]
}

fn weight(at: usize) -> i8 {
    [127, -127, -128, (at * 53 % 256) as i8][at / 3 % 4]
}

#[inline(always)]
unsafe fn run_shorts<L: ShortLanes>() -> Shorts {
    let elements: [i16; 2 * LANES] = std::array::from_fn(|at| element(at).into());
    let weights: [i16; 2 * LANES] = std::array::from_fn(|at| weight(at).into());
    let start: [i32; LANES] = std::array::from_fn(sums);
    let mut out = Shorts::default();
    // SAFETY: the caller has enabled the set; sixteen numbers each, 32 of the pairs.
    unsafe {
        L::store(out.floats.as_mut_ptr(), L::floats(L::load_integers(start.as_ptr())));
        L::store(out.loaded.as_mut_ptr(), L::load_shorts(elements.as_ptr()));
        for (stored, values) in out.stored.iter_mut().zip(VALUES.chunks_exact(LANES)) {
            let held = L::at_least(L::at_most(L::load(values.as_ptr()), L::splat(255.0)), L::splat(0.0));
            L::store_shorts(stored.as_mut_ptr(), held);
        }
        let pairs = L::transpose_pairs(elements.as_ptr());
        let products = L::add_products(L::splat_integer(7), pairs, L::load_pairs(weights.as_ptr()));
        L::store_integers(out.sums.as_mut_ptr(), products);
    }
    out
}

fn plain_shorts() -> Shorts {
    let product = |at: usize, weighted: usize| i32::from(element(at)) * i32::from(weight(weighted));
    Shorts {
        floats: std::array::from_fn(|lane| sums(lane) as f32),
        loaded: std::array::from_fn(|lane| element(lane).into()),
        stored: std::array::from_fn(|part| std::array::from_fn(|lane| byte(VALUES[part * LANES + lane]).into())),
        sums: std::array::from_fn(|lane| 7 + product(lane, 2 * lane) + product(LANES + lane, 2 * lane + 1)),
    }
}

/// What the operations on bytes give, in their order.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, PartialEq)]
struct Fours {
    sums: [[i32; LANES]; 2],
    loaded: [f32; LANES],
    stored: [u8; LANES],
    held: [u8; 4 * LANES],
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn run_bytes<L: ByteLanes>() -> Fours {
    let elements: [u8; 4 * LANES] = std::array::from_fn(element);
    let weights: [i8; 4 * LANES] = std::array::from_fn(weight);
    let mut out = Fours { sums: Default::default(), loaded: [0.0; LANES], stored: [0; LANES], held: [0; 4 * LANES] };
    // SAFETY: the caller has enabled the set; sixteen numbers each, 64 of the fours.
    unsafe {
        let weights = L::load_fours(weights.as_ptr());
        let (all, one) = (L::transpose_fours(elements.as_ptr()), L::splat_four(elements.as_ptr().add(5)));
        for (to, elements) in out.sums.iter_mut().zip([all, one]) {
            L::store_integers(to.as_mut_ptr(), L::add_four_products(L::splat_integer(-7), elements, weights));
        }
        L::store(out.loaded.as_mut_ptr(), L::load_bytes_as_floats(elements.as_ptr()));
        let held = L::at_least(L::at_most(L::load(VALUES.as_ptr()), L::splat(255.0)), L::splat(0.0));
        L::store_bytes(out.stored.as_mut_ptr(), held);
        let four = std::array::from_fn(|part| L::load(VALUES.as_ptr().add(part * LANES)));
        L::store_four_held_bytes(out.held.as_mut_ptr(), four);
    }
    out
}

#[cfg(target_arch = "x86_64")]
fn plain_bytes() -> Fours {
    let sum = |of: &dyn Fn(usize, usize) -> usize| {
        std::array::from_fn(|lane| {
            let product = |part| i32::from(element(of(lane, part))) * i32::from(weight(4 * lane + part));
            (0..4).map(product).sum::<i32>() - 7
        })
    };
    Fours {
        sums: [sum(&|lane, part| part * LANES + lane), sum(&|_, part| 5 + part)],
        loaded: std::array::from_fn(|lane| element(lane).into()),
        stored: std::array::from_fn(|lane| byte(VALUES[lane])),
        held: VALUES.map(byte),
    }
}

/// Calls `$run` for `$set` where its instructions are enabled.
macro_rules! enabled {
    ($(#[$feature:meta])* $run:ident::<$set:ty>() -> $out:ty) => {{
        $(#[$feature])*
        unsafe fn on() -> $out {
            // SAFETY: the set is enabled here.
            unsafe { $run::<$set>() }
        }
        // SAFETY: the level is there.
        unsafe { on() }
    }};
}

#[test]
fn every_set_does_what_one_number_after_the_other_does() {
    for level in Level::available() {
        let shorts = match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) | Level::AvxVnni(_) => {
                enabled!(#[target_feature(enable = "avx2,fma")] run_shorts::<Avx2<false>>() -> Shorts)
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) | Level::Avx512Vnni(_) | Level::Amx(_) => {
                enabled!(#[target_feature(enable = "avx512f,avx512bw,avx512vl")] run_shorts::<Avx512<false>>() -> Shorts)
            }
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) | Level::NeonDot(_) => enabled!(run_shorts::<super::Neon>() -> Shorts),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Level::Simd128 => enabled!(run_shorts::<super::Simd128>() -> Shorts),
            // Its loops are in the network's own storage.
            Level::Portable => continue,
        };
        assert_eq!(shorts, plain_shorts(), "{level:?}");
        #[cfg(target_arch = "x86_64")]
        let bytes = match level {
            Level::AvxVnni(_) => {
                enabled!(#[target_feature(enable = "avx2,fma,avxvnni")] run_bytes::<Avx2<true>>() -> Fours)
            }
            Level::Avx512Vnni(_) | Level::Amx(_) => {
                enabled!(#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")] run_bytes::<Avx512<true>>() -> Fours)
            }
            _ => continue,
        };
        #[cfg(target_arch = "x86_64")]
        assert_eq!(bytes, plain_bytes(), "{level:?}");
    }
}
