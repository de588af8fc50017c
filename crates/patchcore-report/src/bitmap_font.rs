//! Letters on panels: a pixel font of our own, five by seven with two rows below the line, drawn at whole multiples.

use image::{Rgb, RgbImage};

/// Rows of a letter, including the two below the line.
const ROWS: u32 = 9;
/// Space between letters, and half the width of a blank.
const GAP: u32 = 1;

/// Height of a line of text at `scale` pixels per font pixel.
pub(crate) fn text_height(scale: u32) -> u32 {
    ROWS * scale
}

/// Width of a text in pixels.
pub(crate) fn text_width(text: &str, scale: u32) -> u32 {
    text.chars().map(|c| (glyph(c).1 + GAP) * scale).sum::<u32>().saturating_sub(GAP * scale)
}

/// The text without its end, so that it fits into `width` pixels.
pub(crate) fn fit(text: &str, width: u32, scale: u32) -> &str {
    let mut end = text.len();
    while text_width(text.get(..end).unwrap_or_default(), scale) > width {
        end = text.char_indices().map(|(at, _)| at).rfind(|&at| at < end).unwrap_or(0);
    }
    text.get(..end).unwrap_or_default()
}

/// Draws a text with its upper left corner at (x, y); what falls outside the picture is left out. Capitals become small
/// letters, unknown characters an empty box.
pub(crate) fn draw_text(picture: &mut RgbImage, text: &str, x: u32, y: u32, scale: u32, color: [u8; 3]) {
    let mut left = x;
    for c in text.chars() {
        let (rows, width) = glyph(c);
        for (row, bits) in rows.iter().enumerate() {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                fill(picture, left + column * scale, y + row as u32 * scale, scale, scale, color);
            }
        }
        left += (width + GAP) * scale;
    }
}

/// Fills a rectangle, cut at the picture's edges.
pub(crate) fn fill(picture: &mut RgbImage, x: u32, y: u32, width: u32, height: u32, color: [u8; 3]) {
    for row in y..(y + height).min(picture.height()) {
        for column in x..(x + width).min(picture.width()) {
            picture.put_pixel(column, row, Rgb(color));
        }
    }
}

/// Rows of five bits, and the width of what is drawn.
fn glyph(c: char) -> ([u8; 9], u32) {
    if c == ' ' {
        return ([0; 9], 2 * GAP + 1);
    }
    let small = c.to_ascii_lowercase();
    let rows = GLYPHS.iter().find(|(name, _)| *name == small).map_or(UNKNOWN, |(_, rows)| *rows);
    let used = rows.iter().fold(0, |used, row| used | row);
    (rows, 5 - used.trailing_zeros().min(4))
}

const UNKNOWN: [u8; 9] = [0b11111, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11111, 0, 0];

#[rustfmt::skip]
const GLYPHS: [(char, [u8; 9]); 49] = [
    ('0', [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110, 0b00000, 0b00000]),
    ('1', [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110, 0b00000, 0b00000]),
    ('2', [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111, 0b00000, 0b00000]),
    ('3', [0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110, 0b00000, 0b00000]),
    ('4', [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010, 0b00000, 0b00000]),
    ('5', [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110, 0b00000, 0b00000]),
    ('6', [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110, 0b00000, 0b00000]),
    ('7', [0b11111, 0b00001, 0b00010, 0b00100, 0b00100, 0b01000, 0b01000, 0b00000, 0b00000]),
    ('8', [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110, 0b00000, 0b00000]),
    ('9', [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100, 0b00000, 0b00000]),
    ('a', [0b00000, 0b00000, 0b01110, 0b00001, 0b01111, 0b10001, 0b01111, 0b00000, 0b00000]),
    ('b', [0b10000, 0b10000, 0b11110, 0b10001, 0b10001, 0b10001, 0b11110, 0b00000, 0b00000]),
    ('c', [0b00000, 0b00000, 0b01110, 0b10000, 0b10000, 0b10000, 0b01110, 0b00000, 0b00000]),
    ('d', [0b00001, 0b00001, 0b01111, 0b10001, 0b10001, 0b10001, 0b01111, 0b00000, 0b00000]),
    ('e', [0b00000, 0b00000, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110, 0b00000, 0b00000]),
    ('f', [0b00110, 0b01000, 0b11110, 0b01000, 0b01000, 0b01000, 0b01000, 0b00000, 0b00000]),
    ('g', [0b00000, 0b00000, 0b01111, 0b10001, 0b10001, 0b10001, 0b01111, 0b00001, 0b01110]),
    ('h', [0b10000, 0b10000, 0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b00000, 0b00000]),
    ('i', [0b10000, 0b00000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b00000, 0b00000]),
    ('j', [0b00100, 0b00000, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b11000]),
    ('k', [0b10000, 0b10000, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b00000, 0b00000]),
    ('l', [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b01000, 0b00000, 0b00000]),
    ('m', [0b00000, 0b00000, 0b11010, 0b10101, 0b10101, 0b10101, 0b10101, 0b00000, 0b00000]),
    ('n', [0b00000, 0b00000, 0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b00000, 0b00000]),
    ('o', [0b00000, 0b00000, 0b01110, 0b10001, 0b10001, 0b10001, 0b01110, 0b00000, 0b00000]),
    ('p', [0b00000, 0b00000, 0b11110, 0b10001, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000]),
    ('q', [0b00000, 0b00000, 0b01111, 0b10001, 0b10001, 0b10001, 0b01111, 0b00001, 0b00001]),
    ('r', [0b00000, 0b00000, 0b10110, 0b11000, 0b10000, 0b10000, 0b10000, 0b00000, 0b00000]),
    ('s', [0b00000, 0b00000, 0b01111, 0b10000, 0b01110, 0b00001, 0b11110, 0b00000, 0b00000]),
    ('t', [0b01000, 0b01000, 0b11110, 0b01000, 0b01000, 0b01000, 0b00110, 0b00000, 0b00000]),
    ('u', [0b00000, 0b00000, 0b10001, 0b10001, 0b10001, 0b10001, 0b01111, 0b00000, 0b00000]),
    ('v', [0b00000, 0b00000, 0b10001, 0b10001, 0b10001, 0b01010, 0b00100, 0b00000, 0b00000]),
    ('w', [0b00000, 0b00000, 0b10001, 0b10101, 0b10101, 0b10101, 0b01010, 0b00000, 0b00000]),
    ('x', [0b00000, 0b00000, 0b10001, 0b01010, 0b00100, 0b01010, 0b10001, 0b00000, 0b00000]),
    ('y', [0b00000, 0b00000, 0b10001, 0b10001, 0b10001, 0b10001, 0b01111, 0b00001, 0b01110]),
    ('z', [0b00000, 0b00000, 0b11111, 0b00010, 0b00100, 0b01000, 0b11111, 0b00000, 0b00000]),
    ('.', [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b11000, 0b11000, 0b00000, 0b00000]),
    (',', [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b11000, 0b11000, 0b01000, 0b10000]),
    (':', [0b00000, 0b11000, 0b11000, 0b00000, 0b11000, 0b11000, 0b00000, 0b00000, 0b00000]),
    ('-', [0b00000, 0b00000, 0b00000, 0b11110, 0b00000, 0b00000, 0b00000, 0b00000, 0b00000]),
    ('+', [0b00000, 0b00100, 0b00100, 0b11111, 0b00100, 0b00100, 0b00000, 0b00000, 0b00000]),
    ('=', [0b00000, 0b00000, 0b11111, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000, 0b00000]),
    ('_', [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b11111, 0b00000]),
    ('/', [0b00001, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b10000, 0b00000, 0b00000]),
    ('%', [0b11001, 0b11010, 0b00010, 0b00100, 0b01000, 0b01011, 0b10011, 0b00000, 0b00000]),
    ('(', [0b00100, 0b01000, 0b10000, 0b10000, 0b10000, 0b01000, 0b00100, 0b00000, 0b00000]),
    (')', [0b10000, 0b01000, 0b00100, 0b00100, 0b00100, 0b01000, 0b10000, 0b00000, 0b00000]),
    ('>', [0b10000, 0b01000, 0b00100, 0b00010, 0b00100, 0b01000, 0b10000, 0b00000, 0b00000]),
    ('<', [0b00010, 0b00100, 0b01000, 0b10000, 0b01000, 0b00100, 0b00010, 0b00000, 0b00000]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_distinct() {
        for (i, (a, rows)) in GLYPHS.iter().enumerate() {
            assert!(GLYPHS.iter().skip(i + 1).all(|(b, other)| rows != other && a != b), "{a}");
        }
    }

    #[test]
    fn width_and_drawing_agree() {
        let mut picture = RgbImage::new(200, 20);
        draw_text(&mut picture, "Score 12.5", 0, 0, 2, [255; 3]);
        let right = picture.enumerate_pixels().filter(|(_, _, p)| p.0 == [255; 3]).map(|(x, _, _)| x).max();
        assert_eq!(right, Some(text_width("score 12.5", 2) - 1));
        draw_text(&mut picture, "outside", 190, 15, 3, [255; 3]);
    }

    #[test]
    fn fit_cuts_at_letters() {
        assert_eq!(fit("schön", 1000, 1), "schön");
        assert!(text_width(fit("schön und gut", 40, 1), 1) <= 40);
        assert_eq!(fit("abc", 0, 1), "");
    }
}
