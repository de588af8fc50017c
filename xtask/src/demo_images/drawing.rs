//! The drawing of the part: its dimensions, and distances to its outline and holes.
//!
//! Coordinates are those of [`part`](super::part).

use super::portable::Portable;

/// Half the distance between the bolt holes.
pub(super) const EAR: f32 = 109.0;
pub(super) const EAR_RADIUS: f32 = 36.0;
pub(super) const BODY_RADIUS: f32 = 99.0;
pub(super) const BOSS_RADIUS: f32 = 71.0;
pub(super) const GROOVE_RADIUS: f32 = 53.0;
/// Radius of the hole in the middle.
pub(super) const BORE_RADIUS: f32 = 29.0;
pub(super) const BOLT_RADIUS: f32 = 14.0;
pub(super) const PIN_RADIUS: f32 = 5.2;
/// Distance of the pin holes from the centre, on the diagonals.
pub(super) const PIN_CIRCLE: f32 = 85.0;

/// The outline of the drawing: a disc and two ears, joined by tangents.
pub(super) fn silhouette(x: f32, y: f32) -> f32 {
    let (x, y) = (x.abs(), y.abs());
    // The tangent of two circles of different radius, centres on the x axis.
    let sine = (BODY_RADIUS - EAR_RADIUS) / EAR;
    let cosine = (1.0 - sine * sine).sqrt();
    let along = x * cosine - y * sine;
    if along < 0.0 {
        x.norm(y) - BODY_RADIUS
    } else if along > EAR * cosine {
        (x - EAR).norm(y) - EAR_RADIUS
    } else {
        x * sine + y * cosine - BODY_RADIUS
    }
}

/// How far a point is from any place where a defect would be lost: holes, grooves and edges. Negative on them.
pub(super) fn clearance(x: f32, y: f32) -> f32 {
    let radius = x.norm(y);
    let at = PIN_CIRCLE * std::f32::consts::FRAC_1_SQRT_2;
    (-silhouette(x, y) - 5.0)
        .min(radius - BORE_RADIUS - 5.0)
        .min((x.abs() - EAR).norm(y) - BOLT_RADIUS - 5.0)
        .min((x.abs() - at).norm(y.abs() - at) - PIN_RADIUS - 2.0)
}

/// Distance of a point to a line segment.
pub(super) fn segment_distance(point: (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { ((point.0 - from.0) * dx + (point.1 - from.1) * dy) / length } else { 0.0 };
    let t = t.clamp(0.0, 1.0);
    (point.0 - from.0 - t * dx).norm(point.1 - from.1 - t * dy)
}
