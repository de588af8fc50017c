//! What a distance between integer images says about the vectors that they stand for.
//!
//! A vector is put on the lattice by rounding coordinates, in units of the longest row's length over [`LENGTH`] steps. With
//! the error of each image known (how far rounding has moved it, in steps), `|x - y| >= |i - j| - error(x) - error(y)`: two
//! vectors can be `m` steps apart or less only if `|i - j|^2 <= (m + error(x) + error(y))^2`.

/// Steps in the length of the longest row: no sum of products of two rows can leave an `i32`.
pub(crate) const LENGTH: f64 = 8192.0;
/// Covers the rounding of every `f64` operation in a bound, many times over.
pub(crate) const SLACK: f64 = 1e-9;
/// Larger than any squared distance between images, of which a query's may be twice as long as a row's: `(3 * 8200)^2`.
const FAR: f64 = 700_000_000.0;
/// A squared length for what no [`reach`] touches: padding, and rows that are out. The sum of two is still an `i32`, and so
/// is this and twice the product of two rows.
pub(crate) const NEVER: i32 = 1_050_000_000;

/// Largest squared distance of images, with errors as given (both summed), of vectors at most `steps` apart.
pub(crate) fn reach(steps: f64, errors: f64) -> i32 {
    let reach = steps * (1.0 + SLACK) + errors;
    (reach * reach * (1.0 + SLACK) + 1.0).min(FAR) as i32
}

#[cfg(test)]
mod tests {
    use super::{NEVER, reach};

    #[test]
    fn a_reach_holds_the_exact_one_and_ends_below_never() {
        assert_eq!(reach(0.0, 0.0), 1);
        assert_eq!(reach(3.0, 2.0), 26);
        for steps in [0.5, 17.25, 8192.0, 16_384.0] {
            let exact = (steps + 4.5) * (steps + 4.5);
            assert!((exact..exact + 2.0).contains(&f64::from(reach(steps, 4.5))), "{steps}");
        }
        // Farther than any image: everything is within reach, but what is out.
        let farthest = (3 * 8200i32).pow(2);
        assert!(reach(f64::INFINITY, 0.0) > farthest && reach(1e9, 1.0) < NEVER);
        assert!(NEVER.checked_add(NEVER).is_some() && NEVER.checked_add(2 * 8193 * 8193).is_some());
    }
}
