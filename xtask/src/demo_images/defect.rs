//! What goes wrong on the line: five kinds of defect, each with its place and strength drawn at random.

use super::drawing::{BORE_RADIUS, clearance, segment_distance, silhouette};
use super::noise::{Noise, mix, step};
use super::portable::Portable;
use super::random::Random;
use super::surface::Surface;

/// Names of the kinds, as the folders of the data set are called.
pub(super) const KINDS: [&str; 5] = ["chip", "dent", "missing_hole", "scratch", "stain"];

/// One defect in part coordinates.
#[derive(Debug, Clone)]
pub(super) enum Defect {
    /// A piece is broken out of the rim.
    Chip { center: (f32, f32), radius: f32, shape: Noise },
    /// Something hard fell on it.
    Dent { center: (f32, f32), radii: (f32, f32), tilt: f32, depth: f32 },
    /// A pin hole was not drilled (0 upper left, 1 upper right, 2 lower left, 3 lower right).
    MissingHole { pin: usize },
    /// Something sharp was drawn over it.
    Scratch { points: Vec<(f32, f32)>, width: f32, depth: f32 },
    /// Oil or coolant dried on it.
    Stain { center: (f32, f32), radius: f32, shape: Noise, strength: f32, tint: [f32; 3] },
}

impl Defect {
    /// Draws a defect of a kind; `number` spreads the strengths, from plain to subtle.
    pub(super) fn draw(kind: &str, number: usize, random: &mut Random) -> Vec<Self> {
        // 1 for the first of a kind, falling to 0 for the last of five.
        let strength = 1.0 - (number % 5) as f32 / 4.0;
        match kind {
            "chip" => vec![Self::chip(strength, random)],
            "dent" => vec![Self::dent(strength, random)],
            "scratch" => vec![Self::scratch(strength, random)],
            "stain" => vec![Self::stain(strength, random)],
            // The first lacks two on a diagonal, the others one each.
            _ if number.is_multiple_of(5) => vec![Self::MissingHole { pin: 1 }, Self::MissingHole { pin: 2 }],
            _ => vec![Self::MissingHole { pin: (number + 3) % 4 }],
        }
    }

    fn chip(strength: f32, random: &mut Random) -> Self {
        let angle = random.between(0.0, std::f32::consts::TAU);
        let mut reach = 60.0;
        while silhouette(reach * angle.cosine(), reach * angle.sine()) < -1.0 {
            reach += 0.5;
        }
        let radius = mix(8.0, 13.0, strength);
        reach += 0.3 * radius;
        Self::Chip { center: (reach * angle.cosine(), reach * angle.sine()), radius, shape: Noise::new(random.seed()) }
    }

    fn dent(strength: f32, random: &mut Random) -> Self {
        let size = mix(6.0, 10.0, strength);
        Self::Dent {
            center: place(size + 2.0, random),
            radii: (size, size * random.between(0.65, 1.0)),
            tilt: random.between(0.0, 3.1),
            depth: mix(1.5, 3.0, strength),
        }
    }

    fn scratch(strength: f32, random: &mut Random) -> Self {
        let length = mix(34.0, 85.0, strength);
        let mut points = Vec::new();
        for _ in 0..40 {
            points = Self::scratch_path(length, random);
            // Holes and rims cut paths short.
            if points.len() as f32 * 3.0 > 0.7 * length {
                break;
            }
        }
        Self::Scratch { points, width: mix(0.85, 1.25, strength), depth: mix(0.75, 1.15, strength) }
    }

    fn scratch_path(length: f32, random: &mut Random) -> Vec<(f32, f32)> {
        let start = place(6.0, random);
        let heading = random.between(0.0, std::f32::consts::TAU);
        // Towards the middle of the part, so that it does not leave it at once.
        let inward = start.1.angle_over(start.0) + std::f32::consts::PI + random.between(-1.1, 1.1);
        let heading = if start.0.norm(start.1) > 60.0 { inward } else { heading };
        let bend = random.between(-0.012, 0.012);
        let mut points = vec![start];
        let (mut x, mut y, mut direction) = (start.0, start.1, heading);
        for _ in 0..(length / 3.0) as usize {
            direction += bend * 3.0 + random.between(-0.03, 0.03);
            x += 3.0 * direction.cosine();
            y += 3.0 * direction.sine();
            if silhouette(x, y) > -3.0 || x.norm(y) < BORE_RADIUS + 5.0 {
                break;
            }
            points.push((x, y));
        }
        points
    }

    fn stain(strength: f32, random: &mut Random) -> Self {
        let radius = mix(11.0, 22.0, strength);
        let rust = random.between(0.0, 1.0) < 0.5;
        let tint = if rust { [0.62, 0.40, 0.22] } else { [0.36, 0.36, 0.40] };
        Self::Stain {
            center: place(radius * 0.6, random),
            radius,
            shape: Noise::new(random.seed()),
            strength: mix(0.55, 0.9, strength),
            tint,
        }
    }

    /// Signed distance to what is left of the part, positive where a piece is missing.
    pub(super) fn bite(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Chip { center, radius, shape } => {
                let distance = (x - center.0).norm(y - center.1);
                if distance > 2.0 * radius {
                    return f32::NEG_INFINITY;
                }
                0.62 * radius * (1.0 + 0.4 * shape.rough(x * 0.16, y * 0.16)) - distance
            }
            _ => f32::NEG_INFINITY,
        }
    }

    /// Share of broken, grainy surface.
    pub(super) fn fracture(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Chip { center, radius, shape } => {
                let distance = (x - center.0).norm(y - center.1);
                step(1.15, 0.85, distance / radius - 0.35 * shape.rough(x * 0.16, y * 0.16))
            }
            _ => 0.0,
        }
    }

    /// Change of the height.
    pub(super) fn height(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Chip { center, radius, .. } => {
                let distance = (x - center.0).norm(y - center.1);
                -2.8 * self.fracture(x, y) * step(1.3, 0.3, distance / radius)
            }
            Self::Dent { center, radii, tilt, depth } => {
                let (sin, cos) = tilt.sine_cosine();
                let (dx, dy) = (x - center.0, y - center.1);
                let (u, v) = ((dx * cos + dy * sin) / radii.0, (dy * cos - dx * sin) / radii.1);
                let square = u * u + v * v;
                // The material that was pushed aside stands up as a low wall.
                depth * (0.2 * (-(square - 1.3) * (square - 1.3) * 1.6).exponential() - (-1.9 * square).exponential())
            }
            Self::Scratch { width, depth, .. } => {
                let (distance, taper) = self.scratch_distance(x, y);
                let (groove, wall) = (distance / width, (distance - 1.9 * width) / width);
                depth * taper * (0.35 * (-wall * wall).exponential() - (-groove * groove).exponential())
            }
            _ => 0.0,
        }
    }

    /// Share of the tool marks that it has wiped out.
    pub(super) fn smears(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Dent { center, radii, .. } => 0.6 * step(1.2, 0.5, (x - center.0).norm(y - center.1) / radii.0),
            Self::Stain { .. } => 0.45 * self.covered(x, y),
            _ => 0.0,
        }
    }

    /// Changes of colour and gloss.
    pub(super) fn color(&self, x: f32, y: f32, surface: &mut Surface) {
        match self {
            Self::Scratch { width, .. } => {
                let (distance, taper) = self.scratch_distance(x, y);
                let bright = taper * step(1.6, 0.3, distance / width);
                surface.albedo = surface.albedo.map(|channel| mix(channel, 0.97, 0.7 * bright));
            }
            Self::Stain { tint, strength, shape, .. } => {
                let covered = self.covered(x, y);
                if covered > 0.0 {
                    // Dried liquid is darkest at its edge, and cloudy inside.
                    let edge = 4.0 * covered * (1.0 - covered);
                    let cloud = 0.78 + 0.22 * shape.rough(x * 0.13 + 60.0, y * 0.13);
                    let share = (strength * covered * cloud + 0.25 * strength * edge).min(0.95);
                    for (channel, tint) in surface.albedo.iter_mut().zip(tint) {
                        *channel *= mix(1.0, *tint, share);
                    }
                    surface.gloss *= 1.0 - 0.6 * share;
                }
            }
            Self::Chip { .. } => {
                let broken = self.fracture(x, y);
                surface.albedo = surface.albedo.map(|channel| channel * (1.0 - 0.2 * broken));
            }
            Self::Dent { .. } | Self::MissingHole { .. } => {}
        }
    }

    /// Share of the surface under a stain.
    fn covered(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Stain { center, radius, shape, .. } => {
                let distance = (x - center.0).norm(y - center.1) / radius;
                if distance > 1.7 {
                    return 0.0;
                }
                let drops = step(0.62, 0.8, shape.at(x * 0.19 + 9.0, y * 0.19)) * step(1.7, 1.1, distance);
                step(0.0, 0.2, 0.78 - distance + 0.55 * shape.rough(x * 0.075, y * 0.075)).max(0.8 * drops)
            }
            _ => 0.0,
        }
    }

    /// Distance to a scratch, and how deep it is there: it begins and ends softly.
    fn scratch_distance(&self, x: f32, y: f32) -> (f32, f32) {
        let Self::Scratch { points, .. } = self else { return (f32::INFINITY, 0.0) };
        let mut nearest = (f32::INFINITY, 0);
        for (index, (from, to)) in points.iter().zip(points.iter().skip(1)).enumerate() {
            let distance = segment_distance((x, y), *from, *to);
            if distance < nearest.0 {
                nearest = (distance, index);
            }
        }
        if nearest.0 > 12.0 {
            return (f32::INFINITY, 0.0);
        }
        let along = nearest.1 as f32 / points.len() as f32;
        (nearest.0, (step(0.0, 0.15, along + 0.03) * step(1.0, 0.6, along)).max(0.25))
    }
}

/// A place on the open surface, `margin` away from holes and edges where that is possible.
fn place(margin: f32, random: &mut Random) -> (f32, f32) {
    let mut best = (0.0, 45.0);
    for _ in 0..400 {
        let (x, y) = (random.between(-135.0, 135.0), random.between(-95.0, 95.0));
        if clearance(x, y) > margin {
            return (x, y);
        }
        if clearance(x, y) > clearance(best.0, best.1) {
            best = (x, y);
        }
    }
    best
}
