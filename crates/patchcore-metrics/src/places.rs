//! Entries of an image, counted between and on the steps of a curve: what weighting images needs to know of their scores.

#![allow(clippy::indexing_slicing, reason = "places are found in the same slices")]

/// `(place << 32 | image, number)` for the entries of one image, places ascending. Place 2 s is before step s of the ascending
/// `keys`, place 2 s + 1 on it; what lies behind the last step is left out.
pub(super) fn place_counts(mut values: Vec<u32>, keys: &[u32], image: u32) -> Vec<(u64, u32)> {
    values.sort_unstable();
    let mut counts: Vec<(u64, u32)> = Vec::new();
    let mut step = 0;
    for value in values {
        step += gallop(&keys[step..], value);
        let Some(key) = keys.get(step) else { break };
        let place = 2 * step as u64 + u64::from(*key == value);
        let at = place << 32 | u64::from(image);
        match counts.last_mut() {
            Some((last, count)) if *last == at => *count += 1,
            _ => counts.push((at, 1)),
        }
    }
    counts
}

/// Number of keys below `value` in an ascending slice, in the logarithm of that number.
fn gallop(keys: &[u32], value: u32) -> usize {
    let mut bound = 1;
    while keys.get(bound - 1).is_some_and(|key| *key < value) {
        bound *= 2;
    }
    let (from, to) = (bound / 2, bound.min(keys.len()));
    from + keys[from..to].partition_point(|key| *key < value)
}
