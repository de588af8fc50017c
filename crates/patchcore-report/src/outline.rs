//! Lines around a set of pixels: the contour at the threshold and the border of the true defect.
//!
//! A line lies on one side of the border, so that two outlines of the same region do not hide each other.

use image::{Rgb, RgbImage};

/// On which side of the border the line lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// On pixels of the region.
    Inner,
    /// On pixels around the region.
    Outer,
}

/// How a line looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// Colour of the line.
    pub(crate) color: [u8; 3],
    /// Which side of the border.
    pub(crate) side: Side,
    /// Width in pixels, at least 1.
    pub(crate) width: u32,
    /// Short gaps along the line, to tell it from a solid one without its colour.
    pub(crate) dashed: bool,
}

/// Draws the outline of `region` (row-major, the picture's size) with a dark rim, readable on any ground. The edge of the
/// picture is not a border of the region.
pub(crate) fn draw_outline(picture: &mut RgbImage, region: &[bool], line: Line) {
    let (width, height) = picture.dimensions();
    assert_eq!(region.len(), width as usize * height as usize, "the region has the picture's size");
    let on_side: Vec<bool> = match line.side {
        Side::Inner => region.to_vec(),
        Side::Outer => region.iter().map(|inside| !inside).collect(),
    };
    let other: Vec<bool> = on_side.iter().map(|on| !on).collect();
    let mut grown = other.clone();
    for _ in 0..line.width {
        grown = dilate(&grown, width, height);
    }
    let stroke: Vec<bool> = grown.iter().zip(&on_side).map(|(near, on)| *near && *on).collect();
    let rim = dilate(&stroke, width, height);
    let period = 5 * line.width + 3;
    for ((x, y, pixel), (&stroke, &rim)) in picture.enumerate_pixels_mut().zip(stroke.iter().zip(&rim)) {
        let gap = line.dashed && (x + y) % period >= 3 * line.width + 2 && (x + period * height - y) % period >= 2;
        if stroke && !gap {
            *pixel = Rgb(line.color);
        } else if rim {
            pixel.0 = pixel.0.map(|channel| (f32::from(channel) * 0.45) as u8);
        }
    }
}

/// Adds the four neighbours of every pixel.
#[expect(clippy::indexing_slicing, reason = "neighbours are inside the picture, whose size the region has")]
fn dilate(region: &[bool], width: u32, height: u32) -> Vec<bool> {
    let (width, height) = (width as usize, height as usize);
    let at = |x: usize, y: usize| region[y * width + x];
    let mut grown = Vec::with_capacity(region.len());
    for y in 0..height {
        for x in 0..width {
            grown.push(
                at(x, y)
                    || (x > 0 && at(x - 1, y))
                    || (x + 1 < width && at(x + 1, y))
                    || (y > 0 && at(x, y - 1))
                    || (y + 1 < height && at(x, y + 1)),
            );
        }
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 3] = [255, 0, 0];

    fn draw(side: Side) -> Vec<bool> {
        let mut picture = RgbImage::new(6, 6);
        let region: Vec<bool> = (0..36).map(|i| i % 6 >= 3 && i / 6 >= 3).collect();
        draw_outline(&mut picture, &region, Line { color: RED, side, width: 1, dashed: false });
        picture.pixels().map(|pixel| pixel.0 == RED).collect()
    }

    #[test]
    #[should_panic(expected = "the region has the picture's size")]
    fn a_region_of_another_size_is_refused() {
        let line = Line { color: RED, side: Side::Inner, width: 1, dashed: false };
        draw_outline(&mut RgbImage::new(6, 6), &[true; 35], line);
    }

    #[test]
    fn inner_and_outer_lines_do_not_meet_and_leave_the_picture_edge_open() {
        let (inner, outer) = (draw(Side::Inner), draw(Side::Outer));
        assert!(inner.iter().zip(&outer).all(|(a, b)| !(*a && *b)));
        assert_eq!(inner.iter().filter(|on| **on).count(), 5);
        assert_eq!(outer.iter().filter(|on| **on).count(), 6);
        assert!(!inner[35], "the corner of the picture is no border");
    }
}
