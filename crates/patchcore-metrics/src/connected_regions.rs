//! Connected regions of a ground-truth mask, 8-connectivity: what "one defect" means for the AUPRO.
//!
//! Two raster passes with a union-find forest: O(pixels), 4 bytes per pixel plus 4 per provisional label.
#![allow(
    clippy::indexing_slicing,
    reason = "a raster kernel: indices stay below width * height, which is checked against the slice on entry"
)]

use super::MetricError;

/// The regions of one mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedRegions {
    /// `[height * width]`: 0 outside, otherwise the region's number, from 1, in raster order of first pixels.
    pub labels: Vec<u32>,
    /// `sizes[r - 1]` is the number of pixels of region `r`.
    pub sizes: Vec<u32>,
}

/// Labels the regions of a row-major mask; pixels that touch at a corner belong together.
///
/// # Errors
/// [`MetricError::LengthMismatch`] when the mask has not `width * height` entries, [`MetricError::TooManyRegions`] when
/// a map has 2³² pixels or more.
pub fn connected_regions(mask: &[bool], width: usize, height: usize) -> Result<ConnectedRegions, MetricError> {
    let pixels = width.saturating_mul(height);
    if mask.len() != pixels {
        return Err(MetricError::LengthMismatch { what: "mask".to_owned(), expected: pixels, found: mask.len() });
    }
    if u32::try_from(pixels).is_err() {
        return Err(MetricError::TooManyRegions { limit: u32::MAX });
    }

    let mut labels = vec![0_u32; pixels];
    // parents[l] <= l, so a root is always the label that was met first.
    let mut parents = vec![0_u32];
    for y in 0..height {
        for x in 0..width {
            let here = y * width + x;
            if !mask[here] {
                continue;
            }
            let mut root = 0;
            if x > 0 {
                root = merge(&mut parents, root, labels[here - 1]);
            }
            if y > 0 {
                let above = here - width;
                let from = if x > 0 { above - 1 } else { above };
                let to = if x + 1 < width { above + 1 } else { above };
                for &neighbour in &labels[from..=to] {
                    root = merge(&mut parents, root, neighbour);
                }
            }
            if root == 0 {
                root = parents.len() as u32;
                parents.push(root);
            }
            labels[here] = root;
        }
    }

    let mut numbers = vec![0_u32; parents.len()];
    let mut sizes = Vec::new();
    for label in labels.iter_mut().filter(|label| **label != 0) {
        let root = find(&mut parents, *label) as usize;
        if numbers[root] == 0 {
            sizes.push(0);
            numbers[root] = sizes.len() as u32;
        }
        *label = numbers[root];
        sizes[*label as usize - 1] += 1;
    }
    Ok(ConnectedRegions { labels, sizes })
}

/// Joins two labels, 0 being "none", and returns the root of both.
fn merge(parents: &mut [u32], a: u32, b: u32) -> u32 {
    if a == 0 || b == 0 {
        return a.max(b);
    }
    let (a, b) = (find(parents, a), find(parents, b));
    let (low, high) = (a.min(b), a.max(b));
    parents[high as usize] = low;
    low
}

/// The root of a label; halves the path on its way.
fn find(parents: &mut [u32], mut label: u32) -> u32 {
    while parents[label as usize] != label {
        let grandparent = parents[parents[label as usize] as usize];
        parents[label as usize] = grandparent;
        label = grandparent;
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> (Vec<bool>, usize, usize) {
        (rows.iter().flat_map(|row| row.bytes().map(|c| c == b'#')).collect(), rows[0].len(), rows.len())
    }

    #[test]
    fn a_diagonal_contact_joins() {
        let (mask, w, h) = mask(&["#..", ".#.", "...", "..#"]);
        let regions = connected_regions(&mask, w, h).unwrap();
        assert_eq!(regions.sizes, [2, 1]);
        assert_eq!(regions.labels, [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2]);
    }

    #[test]
    fn a_ring_and_a_u_are_one_region_each() {
        let (mask, w, h) = mask(&["#.#.###", "#.#.#.#", "###.###"]);
        assert_eq!(connected_regions(&mask, w, h).unwrap().sizes, [7, 8]);
    }

    #[test]
    fn rows_do_not_wrap() {
        let (mask, w, h) = mask(&["..#", "#.."]);
        assert_eq!(connected_regions(&mask, w, h).unwrap().sizes, [1, 1]);
    }

    #[test]
    fn empty_masks_have_no_regions() {
        assert!(connected_regions(&[], 0, 5).unwrap().sizes.is_empty());
        assert!(connected_regions(&[false; 4], 2, 2).unwrap().sizes.is_empty());
        assert!(connected_regions(&[false; 4], 2, 3).is_err());
    }
}
