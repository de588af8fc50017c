//! A point of the part's surface, as the camera sees it and as defects change it.

/// What a ray from the camera meets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surface {
    /// Slope of the surface along x and y, tool marks included.
    pub(super) slope: (f32, f32),
    /// Direction of the tool marks, a unit vector in the plane.
    pub(super) lay: (f32, f32),
    /// Colour, linear.
    pub(super) albedo: [f32; 3],
    /// 0 matt, 1 machined metal.
    pub(super) gloss: f32,
    /// Light that reaches this point, in [0, 1].
    pub(super) open: f32,
}
