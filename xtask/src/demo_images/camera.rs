//! Lamp, lens and sensor: from a part on the belt to a photo.

use image::{Rgb, RgbImage};

use super::noise::{Noise, mix, step};
use super::part::Part;
use super::portable::Portable;
use super::random::Random;
use super::surface::Surface;

/// Columns of a photo.
pub(super) const WIDTH: u32 = 320;
/// Rows of a photo.
pub(super) const HEIGHT: u32 = 256;
/// Rays per pixel and axis.
const RAYS: u32 = 3;

/// What differs from one photo to the next, as on a real line.
#[derive(Debug, Clone)]
pub(super) struct Shot {
    /// Rotation of the part in radians.
    turn: f32,
    /// Position of the part's centre in pixels.
    center: (f32, f32),
    /// Pixels per part unit.
    scale: f32,
    /// Direction from which the key light comes, in radians in the plane.
    lamp: f32,
    /// Brightness, about 1.
    exposure: f32,
    /// Standard deviation of the lens blur in pixels.
    blur: f32,
    /// Strength of the sensor's noise, about 1.
    noise: f32,
    /// The belt under the part.
    belt: Noise,
    /// Where on the belt this part lies.
    belt_offset: f32,
}

impl Shot {
    /// Draws a pose, a lamp and an exposure.
    pub(super) fn draw(random: &mut Random) -> Self {
        Self {
            turn: 0.045 * random.normal().clamp(-2.0, 2.0),
            center: (
                WIDTH as f32 / 2.0 + 2.2 * random.normal().clamp(-2.0, 2.0),
                HEIGHT as f32 / 2.0 + 2.2 * random.normal().clamp(-2.0, 2.0),
            ),
            scale: 1.0 + 0.006 * random.normal(),
            lamp: -2.2 + 0.09 * random.normal().clamp(-2.0, 2.0),
            exposure: 1.0 + 0.035 * random.normal().clamp(-2.0, 2.0),
            blur: random.between(0.55, 0.8),
            noise: random.between(0.8, 1.1),
            belt: Noise::new(77),
            belt_offset: random.between(0.0, 5000.0),
        }
    }

    /// What falls through the lens, linear, without noise: `[HEIGHT * WIDTH]`.
    pub(super) fn expose(&self, part: &Part) -> Vec<[f32; 3]> {
        let mut light = Vec::with_capacity((WIDTH * HEIGHT) as usize);
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let mut sum = [0.0; 3];
                for ray in 0..RAYS * RAYS {
                    let offset = |index: u32| (index as f32 + 0.5) / RAYS as f32;
                    let color = self.ray(part, x as f32 + offset(ray % RAYS), y as f32 + offset(ray / RAYS));
                    for (sum, color) in sum.iter_mut().zip(color) {
                        *sum += color / (RAYS * RAYS) as f32;
                    }
                }
                light.push(sum);
            }
        }
        blurred(&light, self.blur)
    }

    /// Colour, linear, in the direction of one point of the picture.
    fn ray(&self, part: &Part, x: f32, y: f32) -> [f32; 3] {
        let (sin, cos) = self.turn.sine_cosine();
        let (dx, dy) = ((x - self.center.0) / self.scale, (y - self.center.1) / self.scale);
        let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
        // The lamp falls off across the field, the lens towards the corners.
        let (fx, fy) = (x / WIDTH as f32 - 0.5, y / HEIGHT as f32 - 0.5);
        let field = (1.0 - 0.16 * fx - 0.20 * fy) * (1.0 - 0.42 * (fx * fx + fy * fy));
        let distance = part.outline(u, v);
        let color = if distance <= 0.0 {
            self.metal(&part.surface(u, v))
        } else {
            // The lamp is up left: the shadow falls down right, close and dark at the rim, wide and faint beyond.
            let (lx, ly) = (self.lamp.cosine(), self.lamp.sine());
            let near = step(6.0, -3.0, part.outline(u + 3.0 * lx, v + 3.0 * ly));
            let wide = step(20.0, -12.0, part.outline(u + 9.0 * lx, v + 9.0 * ly));
            self.belt(x, y).map(|channel| channel * (1.0 - 0.6 * near) * (1.0 - 0.5 * wide))
        };
        color.map(|channel| channel * field * self.exposure)
    }

    /// Metal under a key light, a fill light and the light of the room; highlights are drawn out across the tool marks.
    fn metal(&self, surface: &Surface) -> [f32; 3] {
        let (sin, cos) = self.turn.sine_cosine();
        let turned = |(x, y): (f32, f32)| (x * cos - y * sin, x * sin + y * cos);
        let (slope_x, slope_y) = turned(surface.slope);
        let (lay_x, lay_y) = turned(surface.lay);
        let length = (slope_x * slope_x + slope_y * slope_y + 1.0).sqrt();
        let normal = (-slope_x / length, -slope_y / length, 1.0 / length);

        let mut diffuse = 0.30 * (0.75 + 0.25 * normal.2);
        let mut highlight = 0.0;
        for (azimuth, elevation, power) in [(self.lamp, 0.98_f32, 1.0), (self.lamp + 2.7, 0.75, 0.38)] {
            let light = (azimuth.cosine() * elevation.cosine(), azimuth.sine() * elevation.cosine(), elevation.sine());
            let facing = (normal.0 * light.0 + normal.1 * light.1 + normal.2 * light.2).max(0.0);
            diffuse += 0.36 * power * facing;
            // The half vector between lamp and camera, along and across the tool marks.
            let half = (light.0, light.1, light.2 + 1.0);
            let half_length = (half.0 * half.0 + half.1 * half.1 + half.2 * half.2).sqrt();
            let (hx, hy, hz) = (half.0 / half_length, half.1 / half_length, half.2 / half_length);
            let facing_half = (hx * normal.0 + hy * normal.1 + hz * normal.2).max(1e-3);
            // Components of the half vector in the surface's plane.
            let (px, py) = (hx - facing_half * normal.0, hy - facing_half * normal.1);
            let along = (px * lay_x + py * lay_y) / (0.105 * facing_half);
            let across = (px * lay_y - py * lay_x) / (0.42 * facing_half);
            highlight += power * (-(along * along + across * across)).exponential() * facing.sqrt();
            let sheen = (px * px + py * py) / (0.3 * 0.3 * facing_half * facing_half);
            highlight += 0.24 * power * (-sheen).exponential();
        }
        let shine = 0.86 * surface.gloss * highlight;
        let mut color = surface.albedo;
        for (channel, cool) in color.iter_mut().zip([0.97, 1.0, 1.03]) {
            *channel *= (0.47 * diffuse + shine * cool) * surface.open;
        }
        color
    }

    /// The belt: dark matt fabric.
    fn belt(&self, x: f32, y: f32) -> [f32; 3] {
        let along = y + self.belt_offset;
        let weave = (x * 1.55).sine() * (along * 1.55).sine();
        let grain = self.belt.at(x * 0.8, along * 0.8) + 0.6 * self.belt.rough(x * 0.03, along * 0.03);
        let value = 0.046 * (1.0 + 0.10 * weave + 0.13 * grain);
        [value * 0.88, value * 1.02, value * 1.14]
    }

    /// The file's pixels: sensor noise, a line camera's unequal columns, and the tone curve.
    pub(super) fn develop(&self, light: &[[f32; 3]], random: &mut Random) -> RgbImage {
        let gains: Vec<f32> = (0..WIDTH).map(|_| 1.0 + 0.0035 * random.normal()).collect();
        let mut photo = RgbImage::new(WIDTH, HEIGHT);
        for ((x, _, pixel), color) in photo.enumerate_pixels_mut().zip(light) {
            let gain = gains.get(x as usize).copied().unwrap_or(1.0);
            let luma = color.iter().sum::<f32>() / 3.0;
            // One draw for all channels, a little of its own for each: that is what demosaicing leaves.
            let shared = random.normal();
            let noisy = color.map(|channel| {
                let deviation = self.noise * (0.0012 + 0.010 * luma.max(0.0).sqrt() * 0.9);
                channel * gain + deviation * (0.8 * shared + 0.35 * random.normal())
            });
            *pixel = Rgb(noisy.map(tone));
        }
        photo
    }
}

/// Linear light to the 8-bit value of the file: a soft shoulder, then the sRGB exponent.
pub(super) fn tone(linear: f32) -> u8 {
    let linear = linear.max(0.0);
    let rolled = if linear < 0.6 { linear } else { 0.6 + 0.4 * (1.0 - (-(linear - 0.6) / 0.4).exponential()) };
    (255.0 * rolled.power(1.0 / 2.2)).round().clamp(0.0, 255.0) as u8
}

/// A Gaussian of the lens, in two passes; the edge is repeated.
fn blurred(light: &[[f32; 3]], deviation: f32) -> Vec<[f32; 3]> {
    let weights: Vec<f32> = (-3..=3).map(|i| (-(i * i) as f32 / (2.0 * deviation * deviation)).exponential()).collect();
    let total: f32 = weights.iter().sum();
    let (width, height) = (i64::from(WIDTH), i64::from(HEIGHT));
    let pass = |source: &[[f32; 3]], along_x: bool| -> Vec<[f32; 3]> {
        let mut out = Vec::with_capacity(source.len());
        for y in 0..height {
            for x in 0..width {
                let mut sum = [0.0; 3];
                for (offset, weight) in (-3..=3).zip(&weights) {
                    let (sx, sy) = if along_x { (x + offset, y) } else { (x, y + offset) };
                    let index = sy.clamp(0, height - 1) * width + sx.clamp(0, width - 1);
                    let color = source.get(index as usize).copied().unwrap_or_default();
                    for (sum, channel) in sum.iter_mut().zip(color) {
                        *sum += mix(0.0, channel, weight / total);
                    }
                }
                out.push(sum);
            }
        }
        out
    };
    pass(&pass(light, true), false)
}
