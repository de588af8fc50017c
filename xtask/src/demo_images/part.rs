//! The product: a turned two-bolt flange. Its shape as heights, and what its surface is made of.
//!
//! Part coordinates: pixels at nominal scale, origin at the centre of the bore, x to the right, y down, z to the camera.

use super::defect::Defect;
use super::drawing::{
    BOLT_RADIUS, BORE_RADIUS, BOSS_RADIUS, EAR, GROOVE_RADIUS, PIN_CIRCLE, PIN_RADIUS, segment_distance, silhouette,
};
use super::noise::{Noise, mix, step};
use super::portable::Portable;
use super::surface::Surface;

/// One piece off the line: the drawing is the same for all, the grain is its own.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Seed of the tool marks.
    grain: Noise,
    /// Small differences between pieces: depth of the tool marks, about 1.
    pub(super) finish: f32,
    /// What is wrong with it.
    pub(super) defects: Vec<Defect>,
}

impl Part {
    /// A good piece.
    pub(super) fn new(seed: u64, finish: f32) -> Self {
        Self { grain: Noise::new(seed), finish, defects: Vec::new() }
    }

    /// Signed distance to the outline, negative on the part.
    pub(super) fn outline(&self, x: f32, y: f32) -> f32 {
        let nominal = silhouette(x, y);
        self.defects.iter().fold(nominal, |distance, defect| distance.max(defect.bite(x, y)))
    }

    /// The surface at a point on the part.
    pub(super) fn surface(&self, x: f32, y: f32) -> Surface {
        let radius = x.norm(y);
        let (radial_x, radial_y) = if radius > 1e-3 { (x / radius, y / radius) } else { (1.0, 0.0) };
        let reach = 0.35;
        let mut slope = (
            (self.height(x + reach, y) - self.height(x - reach, y)) / (2.0 * reach),
            (self.height(x, y + reach) - self.height(x, y - reach)) / (2.0 * reach),
        );

        // The boss is turned: marks run around. The rest is ground: marks run along x.
        let turned = step(BOSS_RADIUS + 3.0, BOSS_RADIUS + 1.0, radius);
        // Nothing is machined inside the bore that the camera could see.
        let mut marks = step(BORE_RADIUS - 1.0, BORE_RADIUS, radius);
        let mut rough = 0.0;
        for defect in &self.defects {
            marks *= 1.0 - defect.smears(x, y);
            rough += defect.fracture(x, y);
        }
        let angle = y.angle_over(x);
        if turned > 0.5 {
            let feed = 0.5 * (radius * 1.9).sine() + 0.9 * self.grain.at(radius * 0.62, angle * 0.8);
            let fine = self.grain.at(radius * 1.25 + 90.0, angle * 3.0);
            let slant = 0.075 * self.finish * marks * (0.6 * feed + 0.7 * fine);
            slope.0 += slant * radial_x;
            slope.1 += slant * radial_y;
        } else {
            let coarse = self.grain.at(x * 0.012, y * 0.45);
            let fine = self.grain.at(x * 0.03 + 50.0, y * 1.1);
            slope.1 += 0.10 * self.finish * marks * (0.6 * coarse + 0.7 * fine);
            slope.0 += 0.02 * marks * self.grain.at(x * 0.3, y * 0.5 + 70.0);
        }
        if rough > 0.0 {
            slope.0 += rough * 0.9 * self.grain.rough(x * 0.33, y * 0.33);
            slope.1 += rough * 0.9 * self.grain.rough(x * 0.33 + 40.0, y * 0.33 + 9.0);
        }
        let lay = if turned > 0.5 { (-radial_y, radial_x) } else { (1.0, 0.0) };

        let cast = 1.0 + 0.035 * self.grain.rough(x * 0.05 + 11.0, y * 0.05);
        let mut surface = Surface {
            slope,
            lay,
            albedo: [0.74 * cast, 0.73 * cast, 0.71 * cast],
            gloss: (1.0 - 0.75 * rough.min(1.0)) * step(BORE_RADIUS - 1.0, BORE_RADIUS, radius),
            open: self.open(x, y, radius),
        };
        for defect in &self.defects {
            defect.color(x, y, &mut surface);
        }
        surface
    }

    /// Height of the drawing with its defects, without tool marks.
    fn height(&self, x: f32, y: f32) -> f32 {
        let radius = x.norm(y);
        let inside = -self.outline(x, y);
        let edge = (5.0 - inside).clamp(0.0, 6.0) / 5.0;
        let mut height = -3.2 * edge * edge;
        height += 5.0 * step(BOSS_RADIUS + 3.0, BOSS_RADIUS - 1.0, radius);
        let groove = (radius - GROOVE_RADIUS) / 2.0;
        height -= 2.6 * (-groove * groove).exponential();
        height -= 0.95 * (BORE_RADIUS + 5.0 - radius).clamp(0.0, 6.0);
        let bolt = (x.abs() - EAR).norm(y);
        height -= 0.8 * (BOLT_RADIUS + 4.5 - bolt).clamp(0.0, 6.0);
        if let Some(pin) = self.pin_distance(x, y) {
            height -= 0.8 * (PIN_RADIUS + 2.2 - pin).clamp(0.0, 3.0);
        }
        height -= 0.75 * step(1.5, 0.5, stamp_distance(x, y));
        self.defects.iter().fold(height, |height, defect| height + defect.height(x, y))
    }

    /// Holes swallow light; corners get less of it.
    fn open(&self, x: f32, y: f32, radius: f32) -> f32 {
        let bolt = (x.abs() - EAR).norm(y);
        let mut open = hole(radius, BORE_RADIUS, y) * hole(bolt, BOLT_RADIUS, y);
        if let Some(pin) = self.pin_distance(x, y) {
            open *= hole(pin, PIN_RADIUS, 0.0);
        }
        // The foot of the boss, and the bottom of groove and stamp.
        open *= 1.0
            - 0.28 * step(BOSS_RADIUS + 9.0, BOSS_RADIUS + 2.0, radius) * step(BOSS_RADIUS, BOSS_RADIUS + 2.0, radius);
        let groove = (radius - GROOVE_RADIUS) / 1.7;
        open *= 1.0 - 0.45 * (-groove * groove).exponential();
        open * (1.0 - 0.3 * step(1.4, 0.4, stamp_distance(x, y)))
    }

    /// Distance to the centre of the nearest pin hole that was drilled.
    fn pin_distance(&self, x: f32, y: f32) -> Option<f32> {
        let quadrant = usize::from(x > 0.0) + 2 * usize::from(y > 0.0);
        let missing =
            self.defects.iter().any(|defect| matches!(defect, Defect::MissingHole { pin } if *pin == quadrant));
        let at = PIN_CIRCLE * std::f32::consts::FRAC_1_SQRT_2;
        (!missing).then(|| (x.abs() - at).norm(y.abs() - at))
    }
}

/// Light in a hole: none in the middle, some on the wall that faces the lamp.
fn hole(distance: f32, radius: f32, y: f32) -> f32 {
    let depth = step(radius + 0.4, radius - 0.8, distance);
    let wall = step(radius - 5.0, radius, distance) * step(-0.3 * radius, radius, y);
    mix(1.0, 0.035 + 0.16 * wall, depth)
}

/// Distance to the strokes of the stamped type plate, below the boss.
fn stamp_distance(x: f32, y: f32) -> f32 {
    const STROKES: [(f32, f32, f32, f32); 13] = [
        // P
        (0.0, 0.0, 0.0, 9.0),
        (0.0, 0.0, 4.5, 0.0),
        (4.5, 0.0, 4.5, 4.5),
        (4.5, 4.5, 0.0, 4.5),
        // C
        (13.5, 0.0, 9.0, 0.0),
        (9.0, 0.0, 9.0, 9.0),
        (9.0, 9.0, 13.5, 9.0),
        // 1
        (20.0, 0.0, 20.0, 9.0),
        (18.5, 1.5, 20.0, 0.0),
        // 4
        (28.0, 9.0, 28.0, 0.0),
        (28.0, 0.0, 24.0, 6.0),
        (24.0, 6.0, 30.0, 6.0),
        // the line below
        (-3.0, 13.0, 33.0, 13.0),
    ];
    let (x, y) = (x + 15.0, y - 78.0);
    if !(-8.0..38.0).contains(&x) || !(-5.0..18.0).contains(&y) {
        return f32::INFINITY;
    }
    STROKES.iter().map(|&(x0, y0, x1, y1)| segment_distance((x, y), (x0, y0), (x1, y1))).fold(f32::INFINITY, f32::min)
}
