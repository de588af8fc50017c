//! One sample of a photo as a number, and back as a camera would write it.

/// A sample: 8 or 16 bits, or a float.
pub(super) trait Sample: Copy {
    /// Its value; what is above white counts as white.
    fn value(self, white: f32) -> f32;
    /// The nearest sample, between black and white.
    fn nearest(value: f32, white: f32) -> Self;
}

impl Sample for u8 {
    fn value(self, _: f32) -> f32 {
        f32::from(self)
    }

    fn nearest(value: f32, white: f32) -> Self {
        (value.clamp(0.0, white) + 0.5) as u8
    }
}

impl Sample for u16 {
    fn value(self, white: f32) -> f32 {
        f32::from(self).min(white)
    }

    fn nearest(value: f32, white: f32) -> Self {
        (value.clamp(0.0, white) + 0.5) as u16
    }
}

impl Sample for f32 {
    fn value(self, white: f32) -> f32 {
        self.clamp(0.0, white)
    }

    fn nearest(value: f32, white: f32) -> Self {
        value.clamp(0.0, white)
    }
}
