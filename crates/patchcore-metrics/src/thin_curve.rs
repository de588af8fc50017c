//! Leaves out the points of a curve that a drawing cannot show; the last step of the curves.

/// Consumes a curve point by point and keeps the points that matter at a resolution.
#[derive(Debug)]
pub(super) struct Thinning {
    resolution: f64,
    kept: Vec<[f64; 2]>,
    skipped: Option<[f64; 2]>,
}

impl Thinning {
    /// Nothing seen yet. A resolution of 0 keeps every point.
    pub(super) fn new(resolution: f64) -> Self {
        Self { resolution, kept: Vec::new(), skipped: None }
    }

    /// The next point.
    pub(super) fn push(&mut self, point: [f64; 2]) {
        let near = |kept: &[f64; 2]| kept.iter().zip(point).all(|(kept, here)| (kept - here).abs() < self.resolution);
        if self.kept.last().is_some_and(near) {
            self.skipped = Some(point);
            return;
        }
        // The point before a jump stays: a steep step must not become a slope.
        self.kept.extend(self.skipped.take());
        self.kept.push(point);
    }

    /// The kept points, always with the last one.
    pub(super) fn finish(mut self) -> Vec<[f64; 2]> {
        self.kept.extend(self.skipped.take());
        self.kept
    }
}

/// Thins a curve in the unit square for drawing: a point is left out when it is nearer than `resolution` to the last kept
/// one in both coordinates. The first and last point stay, and so does the point before every jump, so the polyline through
/// the rest is nowhere farther than `resolution` from the whole one; a resolution of 0 keeps every point.
///
/// # Examples
/// ```
/// let curve = [[0.0, 0.0], [0.001, 0.0], [0.002, 0.0], [0.002, 1.0], [1.0, 1.0]];
/// let thinned = patchcore_metrics::thin_curve(curve, 0.01);
/// assert_eq!(thinned, [[0.0, 0.0], [0.002, 0.0], [0.002, 1.0], [1.0, 1.0]]);
/// ```
pub fn thin_curve(points: impl IntoIterator<Item = [f64; 2]>, resolution: f64) -> Vec<[f64; 2]> {
    let mut thinning = Thinning::new(resolution);
    for point in points {
        thinning.push(point);
    }
    thinning.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolution_of_nothing_keeps_every_point() {
        let curve: Vec<[f64; 2]> = (0..100).map(|i| [f64::from(i / 3), 0.5]).collect();
        assert_eq!(thin_curve(curve.clone(), 0.0), curve);
        assert_eq!(thin_curve([], 0.1), Vec::<[f64; 2]>::new());
    }

    #[test]
    fn left_out_points_are_near_a_kept_one() {
        let curve: Vec<[f64; 2]> = (0..=10_000).map(|i| f64::from(i) / 1e4).map(|x| [x, x.powf(0.1)]).collect();
        let thinned = thin_curve(curve.clone(), 0.01);
        assert!(thinned.len() < 500, "{}", thinned.len());
        assert_eq!((thinned.first(), thinned.last()), (curve.first(), curve.last()));
        for point in &curve {
            let near = |kept: &&[f64; 2]| (kept[0] - point[0]).abs() < 0.01 && (kept[1] - point[1]).abs() < 0.01;
            assert!(thinned.iter().any(|kept| near(&kept)), "{point:?}");
        }
    }
}
