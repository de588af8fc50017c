//! Functions of one kind on every platform: the system's sine may differ in its last bit from one machine to the next,
//! and with it a pixel now and then. These are computed in plain Rust, so the photos are the same bytes everywhere.

/// What the scene needs beyond the four operations and the square root, which are exact already.
pub(super) trait Portable {
    /// Sine of an angle in radians.
    fn sine(self) -> f32;
    /// Cosine of an angle in radians.
    fn cosine(self) -> f32;
    /// Sine and cosine.
    fn sine_cosine(self) -> (f32, f32);
    /// e to this power.
    fn exponential(self) -> f32;
    /// This to a power.
    fn power(self, exponent: f32) -> f32;
    /// Angle of the vector (`x`, self).
    fn angle_over(self, x: f32) -> f32;
    /// Length of the vector (self, `other`).
    fn norm(self, other: f32) -> f32;
}

impl Portable for f32 {
    fn sine(self) -> f32 {
        libm::sinf(self)
    }

    fn cosine(self) -> f32 {
        libm::cosf(self)
    }

    fn sine_cosine(self) -> (f32, f32) {
        (libm::sinf(self), libm::cosf(self))
    }

    fn exponential(self) -> f32 {
        libm::expf(self)
    }

    fn power(self, exponent: f32) -> f32 {
        libm::powf(self, exponent)
    }

    fn angle_over(self, x: f32) -> f32 {
        libm::atan2f(self, x)
    }

    fn norm(self, other: f32) -> f32 {
        (self * self + other * other).sqrt()
    }
}
