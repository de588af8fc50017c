//! Parts that lie elsewhere: whole photos shifted, turned and enlarged, mirrored at their edges.

#![allow(clippy::indexing_slicing, reason = "places are folded into the photo, which has the samples of its size")]

use super::border::mirrored;
use super::sample::Sample;

/// Everything so many pixels further to the right, down, to the left or up, in the order of seeds.
pub(super) fn shift<S: Sample>(
    samples: &[S],
    (width, height): (usize, usize),
    channels: usize,
    pixels: isize,
    seed: u64,
) -> Vec<S> {
    let (right, down) = match seed % 4 {
        0 => (pixels, 0),
        1 => (0, pixels),
        2 => (-pixels, 0),
        _ => (0, -pixels),
    };
    let columns: Vec<usize> = (0..width as isize).map(|x| mirrored(x - right, width) * channels).collect();
    let mut out = Vec::with_capacity(samples.len());
    for y in 0..height as isize {
        let line = &samples[mirrored(y - down, height) * width * channels..][..width * channels];
        columns.iter().for_each(|column| out.extend_from_slice(&line[*column..column + channels]));
    }
    out
}

/// Where in the photo a pixel of the result comes from, both seen from the photo's centre: `x' = a x + b y`, `y' = -b x + a y`.
pub(super) struct Map {
    a: f64,
    b: f64,
}

impl Map {
    /// The photo turned clockwise.
    pub(super) fn rotation(degrees: f64) -> Self {
        let angle = degrees.to_radians();
        Self { a: libm::cos(angle), b: libm::sin(angle) }
    }

    /// The photo so many times as large.
    pub(super) fn scale(factor: f64) -> Self {
        Self { a: 1.0 / factor, b: 0.0 }
    }
}

/// The photo sampled where the map says, bicubic between its pixels.
pub(super) fn sampled<S: Sample>(
    samples: &[S],
    (width, height): (usize, usize),
    channels: usize,
    map: &Map,
    white: f32,
) -> Vec<S> {
    let (centre_x, centre_y) = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
    let mut out = Vec::with_capacity(samples.len());
    for y in 0..height {
        for x in 0..width {
            let (from_x, from_y) = (x as f64 - centre_x, y as f64 - centre_y);
            let at_x = centre_x + map.a * from_x + map.b * from_y;
            let at_y = centre_y - map.b * from_x + map.a * from_y;
            let (columns, across) = taps(at_x, width);
            let (rows, down) = taps(at_y, height);
            for channel in 0..channels {
                let mut sum = 0.0;
                for (row, v) in rows.iter().zip(down) {
                    let start = row * width;
                    let mut line = 0.0;
                    for (column, u) in columns.iter().zip(across) {
                        line += u * samples[(start + column) * channels + channel].value(white);
                    }
                    sum += v * line;
                }
                out.push(S::nearest(sum, white));
            }
        }
    }
    out
}

/// The four pixels around a place, and the weights of Catmull and Rom: a pixel's centre takes the pixel alone.
fn taps(at: f64, length: usize) -> ([usize; 4], [f32; 4]) {
    let (first, t) = (at.floor() as isize - 1, (at - at.floor()) as f32);
    let (squared, cubed) = (t * t, t * t * t);
    let weights = [
        -0.5 * t + squared - 0.5 * cubed,
        1.0 - 2.5 * squared + 1.5 * cubed,
        0.5 * t + 2.0 * squared - 1.5 * cubed,
        -0.5 * squared + 0.5 * cubed,
    ];
    let is_inside = first >= 0 && first + 3 < length as isize;
    let place = |tap: isize| if is_inside { (first + tap) as usize } else { mirrored(first + tap, length) };
    ([place(0), place(1), place(2), place(3)], weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_goes_right_down_left_and_up() {
        let photo: Vec<u8> = (0..12).collect();
        let shifted = |seed| shift(&photo, (4, 3), 1, 1, seed);
        assert_eq!(shifted(0), [1, 0, 1, 2, 5, 4, 5, 6, 9, 8, 9, 10]);
        assert_eq!(shifted(1), [4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(shifted(2), [1, 2, 3, 2, 5, 6, 7, 6, 9, 10, 11, 10]);
        assert_eq!(shifted(3), [4, 5, 6, 7, 8, 9, 10, 11, 4, 5, 6, 7]);
        assert_eq!(shift(&photo, (2, 2), 3, 1, 0), [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]);
    }

    #[test]
    fn a_quarter_turn_is_clockwise() {
        let photo: Vec<u8> = (1..=9).collect();
        assert_eq!(sampled(&photo, (3, 3), 1, &Map::rotation(90.0), 255.0), [7, 4, 1, 8, 5, 2, 9, 6, 3]);
        assert_eq!(sampled(&photo, (3, 3), 1, &Map::rotation(-90.0), 255.0), [3, 6, 9, 2, 5, 8, 1, 4, 7]);
        assert_eq!(sampled(&photo, (3, 3), 1, &Map::rotation(180.0), 255.0), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn twice_as_large_is_about_the_centre_and_bicubic() {
        // The pixels at -2 to 2 from the centre show -1, -0.5, 0, 0.5, 1: halves are (-1, 9, 9, -1) / 16.
        let line = [0_u8, 16, 160, 16, 0];
        assert_eq!(sampled(&line, (5, 1), 1, &Map::scale(2.0), 255.0), [16, 98, 160, 98, 16]);
        // Half as large: the pixels at twice the distance, and beyond the edge the mirror image.
        assert_eq!(sampled(&[1_u8, 2, 3, 4, 5], (5, 1), 1, &Map::scale(0.5), 255.0), [3, 1, 3, 5, 3]);
        // Beside an edge the curve swings over, and is cut off at black and white: of 250 come -0.070, 0.203, 0.797, 1.070, 1.023.
        let edge = [0_u8, 0, 0, 250, 250, 250];
        assert_eq!(sampled(&edge, (6, 1), 1, &Map::scale(2.0), 255.0), [0, 0, 51, 199, 255, 255]);
    }
}
