//! Text in pictures: an embedded font for Latin, Greek and Cyrillic, a font of the user's for the rest, and the character's
//! number where neither has it. No character of a label is left out: two photos whose names differ look different.

use ab_glyph::{Font, FontArc, Glyph, OutlinedGlyph, PxScale, ScaleFont, point};
use image::{Rgb, RgbImage};

use crate::ReportError;

/// What takes the place of the end of a text that is too long.
const CUT: &str = "…";

/// The fonts that labels are drawn with.
///
/// ```
/// # fn main() -> Result<(), patchcore_report::ReportError> {
/// let lettering = patchcore_report::Lettering::new(None)?;
/// let bad = patchcore_report::Lettering::new(Some(b"no font".to_vec()));
/// assert!(bad.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Lettering {
    /// In the order in which they are asked for a character; the embedded one first.
    fonts: Vec<FontArc>,
}

impl Lettering {
    /// The embedded font, and the bytes of a TrueType or OpenType font for the characters that it lacks. Of a collection
    /// the first font is taken. A character that neither has is drawn as `U+65E5`.
    ///
    /// # Errors
    /// [`ReportError::NotAFont`].
    pub fn new(own: Option<Vec<u8>>) -> Result<Self, ReportError> {
        let mut fonts = vec![FontArc::try_from_slice(patchcore_assets::FONT)];
        fonts.extend(own.map(FontArc::try_from_vec));
        let fonts = fonts.into_iter().map(|font| {
            let font = font.map_err(|_| ReportError::NotAFont { found: "its tables cannot be read" })?;
            let height = font.height_unscaled();
            match height.is_finite() && height >= 1.0 {
                true => Ok(font),
                false => Err(ReportError::NotAFont { found: "its letters have no height" }),
            }
        });
        Ok(Self { fonts: fonts.collect::<Result<_, _>>()? })
    }

    /// Width of a text in pixels, in lines of `height` pixels.
    pub(crate) fn width(&self, text: &str, height: u32) -> u32 {
        let line = self.lay_out(text, height);
        line.glyphs.iter().map(|glyph| glyph.px_bounds().max.x).fold(line.advance, f32::max).ceil() as u32
    }

    /// The text, or its beginning and an ellipsis where it does not fit into `width` pixels.
    pub(crate) fn fit(&self, text: &str, width: u32, height: u32) -> String {
        if self.width(text, height) <= width {
            return text.to_owned();
        }
        let room = width as f32 - self.width(CUT, height) as f32;
        let mut end = 0;
        let mut advance = 0.0;
        for (at, c) in text.char_indices() {
            advance += self.lay_out(c.encode_utf8(&mut [0; 4]), height).advance;
            if advance > room {
                break;
            }
            end = at + c.len_utf8();
        }
        match text.get(..end) {
            Some(start) if room >= 0.0 => format!("{start}{CUT}"),
            _ => String::new(),
        }
    }

    /// Draws a line of `height` pixels with its upper left corner at (x, y); what falls outside the picture is left out.
    pub(crate) fn draw(&self, picture: &mut RgbImage, text: &str, x: u32, y: u32, height: u32, color: [u8; 3]) {
        for glyph in self.lay_out(text, height).glyphs {
            let corner = glyph.px_bounds().min;
            let (left, top) = (i64::from(x) + corner.x as i64, i64::from(y) + corner.y as i64);
            glyph.draw(|column, row, coverage| {
                let at = (u32::try_from(left + i64::from(column)), u32::try_from(top + i64::from(row)));
                if let (Ok(column), Ok(row)) = at
                    && let Some(pixel) = picture.get_pixel_mut_checked(column, row)
                {
                    let share = coverage.clamp(0.0, 1.0);
                    let mix = |paper: u8, ink: u8| {
                        (f32::from(paper) + (f32::from(ink) - f32::from(paper)) * share).round() as u8
                    };
                    let Rgb([red, green, blue]) = *pixel;
                    *pixel = Rgb([mix(red, color[0]), mix(green, color[1]), mix(blue, color[2])]);
                }
            });
        }
    }

    /// The outlines of a text whose line begins at (0, 0).
    fn lay_out(&self, text: &str, height: u32) -> Line {
        let mut line = Line { glyphs: Vec::new(), advance: 0.0 };
        for c in text.chars() {
            if !self.append(&mut line, c, height) {
                for c in format!("U+{:04X}", u32::from(c)).chars() {
                    self.append(&mut line, c, height);
                }
            }
        }
        line
    }

    /// Adds a character; false if no font shows it. Only a space may be blank: what else leaves no trace (a control
    /// character, a mark of direction, an empty glyph) is not shown either.
    fn append(&self, line: &mut Line, c: char, height: u32) -> bool {
        let scale = PxScale::from(height as f32);
        // A font's own numbers decide how much is drawn: of a damaged one, no more than a letter can be.
        let largest = 4.0 * height as f32;
        for font in &self.fonts {
            let id = font.glyph_id(c);
            if id.0 == 0 {
                continue;
            }
            let scaled = font.as_scaled(scale);
            let advance = scaled.h_advance(id).clamp(0.0, largest);
            // The baseline on a whole pixel: feet of letters stay sharp.
            let position = point(line.advance, scaled.ascent().round());
            let outline = scaled.outline_glyph(Glyph { id, scale, position }).filter(|glyph| {
                let bounds = glyph.px_bounds();
                bounds.width() <= largest && bounds.height() <= largest
            });
            if outline.is_some() || c == ' ' {
                line.glyphs.extend(outline);
                line.advance += advance;
                return true;
            }
        }
        false
    }
}

/// A text in one line.
struct Line {
    glyphs: Vec<OutlinedGlyph>,
    /// Where the next character begins.
    advance: f32,
}

/// Fills a rectangle, cut at the picture's edges.
pub(crate) fn fill(picture: &mut RgbImage, x: u32, y: u32, width: u32, height: u32, color: [u8; 3]) {
    for row in y..(y + height).min(picture.height()) {
        for column in x..(x + width).min(picture.width()) {
            picture.put_pixel(column, row, Rgb(color));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEIGHT: u32 = 22;
    /// A square for one character, 日, and nothing else.
    const ONE_GLYPH: &[u8] = include_bytes!("../tests/it/one_glyph.ttf");

    fn lettering() -> Lettering {
        Lettering::new(None).unwrap()
    }

    fn drawn(text: &str) -> RgbImage {
        let mut picture = RgbImage::new(400, 30);
        lettering().draw(&mut picture, text, 2, 2, HEIGHT, [255; 3]);
        picture
    }

    fn inked(picture: &RgbImage) -> usize {
        picture.pixels().filter(|pixel| pixel.0 != [0; 3]).count()
    }

    #[test]
    fn every_letter_is_seen_and_differs_from_its_like() {
        for group in ["AaÀàÄäÅåĀāĄą", "EeÉéÈèĘęΕЕ", "sSßẞŠš", "ΩωОоÓó", "ЖжЙйЇїЁё", "0Oo1lI", "ñnŇňŃń", "₀²½№€…"]
        {
            let pictures: Vec<(char, RgbImage)> = group.chars().map(|c| (c, drawn(&c.to_string()))).collect();
            for (at, (c, picture)) in pictures.iter().enumerate() {
                assert!(inked(picture) > 5, "{c} is not seen");
                let twins = pictures.iter().skip(at + 1).filter(|(_, other)| other == picture);
                // Latin, Greek and Cyrillic letters that are written alike may look alike.
                let alike = |a: char, b: char| "EΕЕ".contains(a) && "EΕЕ".contains(b);
                twins.for_each(|(other, _)| assert!(alike(*c, *other), "{c} looks like {other}"));
            }
        }
        assert!(drawn("É") != drawn("E") && drawn("a") != drawn("A"));
    }

    #[test]
    fn whole_alphabets_are_there() {
        let font = lettering();
        let ranges =
            [0x21..=0x7e, 0xa1..=0xac, 0xae..=0x17f, 0x384..=0x38a, 0x391..=0x3a1, 0x3a3..=0x3ce, 0x400..=0x45f];
        for c in ranges.into_iter().flatten().filter_map(char::from_u32) {
            let mut line = Line { glyphs: Vec::new(), advance: 0.0 };
            assert!(font.append(&mut line, c, HEIGHT), "{c:?} is missing");
        }
    }

    #[test]
    fn a_character_without_a_letter_is_drawn_as_its_number() {
        for (text, written) in [("日", "U+65E5"), ("a日.png", "aU+65E5.png"), ("😀", "U+1F600")] {
            assert!(drawn(text) == drawn(written), "{text}");
        }
        // Nothing that is there is invisible.
        for hidden in "\t\n\0\u{7f}\u{a0}\u{ad}\u{200b}\u{2028}\u{202e}\u{feff}\u{e000}".chars() {
            let number = format!("aU+{:04X}b", u32::from(hidden));
            assert!(drawn(&format!("a{hidden}b")) == drawn(&number), "{hidden:?}");
        }
        assert_eq!(inked(&drawn(" ")), 0);
    }

    #[test]
    fn a_letter_and_its_accent_apart_are_seen_too() {
        let (letter, both) = (drawn("e"), drawn("e\u{301}"));
        assert!(inked(&both) > inked(&letter));
        assert_eq!(lettering().width("e\u{301}", HEIGHT), lettering().width("e", HEIGHT));
    }

    #[test]
    fn a_font_of_the_users_has_what_the_embedded_one_lacks() {
        let with_own = Lettering::new(Some(ONE_GLYPH.to_vec())).unwrap();
        let mut picture = RgbImage::new(400, 30);
        with_own.draw(&mut picture, "日", 2, 2, HEIGHT, [255; 3]);
        assert!(inked(&picture) > 50 && picture != drawn("U+65E5"));
        // The embedded font goes first, and what neither has is a number.
        for text in ["scratch é Ж", "月"] {
            let mut picture = RgbImage::new(400, 30);
            with_own.draw(&mut picture, text, 2, 2, HEIGHT, [255; 3]);
            assert!(picture == drawn(text), "{text}");
        }
    }

    #[test]
    fn width_and_drawing_agree() {
        let lettering = lettering();
        for text in ["Score 12.5", "fÜß", "日本 Ж", "j", "W"] {
            let picture = drawn(text);
            let right = picture.enumerate_pixels().filter(|(_, _, p)| p.0 != [0; 3]).map(|(x, _, _)| x).max().unwrap();
            let width = lettering.width(text, HEIGHT);
            assert!((width.saturating_sub(4)..width).contains(&(right - 2)), "{text}: {width}, {right}");
        }
        assert!(lettering.width("score", 2 * HEIGHT).abs_diff(2 * lettering.width("score", HEIGHT)) <= 2);
        // Outside the picture, and at sizes at which nothing can be read.
        let mut picture = RgbImage::new(20, 20);
        lettering.draw(&mut picture, "outside", 15, 15, HEIGHT, [255; 3]);
        lettering.draw(&mut picture, "outside", 0, 0, 1, [255; 3]);
    }

    #[test]
    fn a_text_that_is_too_long_ends_in_an_ellipsis() {
        let lettering = lettering();
        assert_eq!(lettering.fit("schön", 1000, HEIGHT), "schön");
        let cut = lettering.fit("schön und gut", 90, HEIGHT);
        assert!(cut.starts_with("schön") && cut.ends_with('…'), "{cut}");
        assert!((60..=90).contains(&lettering.width(&cut, HEIGHT)), "{cut}");
        assert_eq!(lettering.fit("abc", 3, HEIGHT), "");
    }

    #[test]
    fn what_is_no_font_is_refused() {
        let font = patchcore_assets::FONT;
        for bytes in [&b""[..], b"no font", &font[..100], &font[4..]] {
            let error = Lettering::new(Some(bytes.to_vec())).unwrap_err();
            assert!(error.to_string().contains("expected a TrueType or OpenType font"), "{error}");
        }
    }

    /// Damage anywhere in the tables gives an error or a picture, never a panic nor a picture without end.
    #[test]
    fn damaged_fonts_do_no_harm() {
        let whole = ONE_GLYPH;
        let mut picture = RgbImage::new(60, 30);
        let mut read = 0;
        for at in 0..whole.len() {
            for value in [0x00, 0x7f, 0x80, 0xff] {
                let mut damaged = whole.to_vec();
                damaged[at] = value;
                if let Ok(lettering) = Lettering::new(Some(damaged)) {
                    read += 1;
                    lettering.draw(&mut picture, "日a", 0, 0, HEIGHT, [255; 3]);
                }
            }
        }
        assert!(read > whole.len(), "most damage is in what is drawn: {read}");
    }
}
