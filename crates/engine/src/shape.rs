//! Shapes of one sample.

use std::fmt;

/// The shape of one sample of an activation, without the batch: `[c, h, w]`
/// for planes, `[units]` for a vector.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A shape of the given dimensions, none of them zero, whose product fits
    /// `usize`; `None` otherwise.
    pub fn new(dims: &[usize]) -> Option<Shape> {
        let len = dims.iter().try_fold(1usize, |len, &d| len.checked_mul(d))?;
        (len > 0).then(|| Shape(dims.to_vec()))
    }

    /// The dimensions.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// The number of values of one sample.
    #[allow(clippy::len_without_is_empty, reason = "a shape is never empty")]
    pub fn len(&self) -> usize {
        self.0.iter().product()
    }

    /// Channels, and positions of a plane, where all channels of a position
    /// are stored side by side; one channel for whatever is no planes.
    pub(crate) fn layout(&self) -> [usize; 2] {
        match self.0[..] {
            [c, h, w] => [c, h * w],
            _ => [1, self.len()],
        }
    }

    /// Channels, height, width; a vector is read as channels of 1x1 planes.
    pub fn planes(&self) -> Option<[usize; 3]> {
        match self.0[..] {
            [c] => Some([c, 1, 1]),
            [c, h, w] => Some([c, h, w]),
            _ => None,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("x")?;
            }
            write!(f, "{d}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
