//! Ranges of activations, and the bands inside them.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A sample must keep this distance from a bound `z`, in units of `max(1, |z|)`,
/// so that any correct f32 implementation of the network finds it in the range.
const TOLERANCE: f64 = 1e-4;

/// The least share of an accepting band that remains when it is narrowed.
const LEAST_SHARE: f64 = 0.25;

/// The unit of residuals at an open range, as a share of `max(1, |z|)`.
const OPEN_UNIT: f64 = 0.2;

/// The closed range `[lo, hi]` asked for; an open end is infinite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    lo: f64,
    hi: f64,
}

impl Range {
    /// The range from `lo` to `hi`.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyRange`] unless `lo < hi`; NaN is refused with it.
    pub fn new(lo: f64, hi: f64) -> Result<Range, Error> {
        if lo < hi {
            Ok(Range { lo, hi })
        } else {
            Err(Error::EmptyRange { lo, hi })
        }
    }

    /// Lower end, or minus infinity.
    pub fn lo(self) -> f64 {
        self.lo
    }

    /// Upper end, or infinity.
    pub fn hi(self) -> f64 {
        self.hi
    }

    /// Whether `f` lies in the closed range.
    pub fn contains(self, f: f32) -> bool {
        (self.lo..=self.hi).contains(&f64::from(f))
    }

    /// The band a rounded image is accepted in: the range less a tolerance of
    /// `1e-4 max(1, |z|)` at either end `z`.
    pub fn accepting(self) -> Band {
        Band {
            lo: self.lo + TOLERANCE * finite_size(self.lo),
            hi: self.hi - TOLERANCE * finite_size(self.hi),
        }
    }

    /// The length in which residuals are measured: the width of the range, or,
    /// where an end is open, a fifth of `max(1, |z|)` at the other.
    pub fn unit(self) -> f64 {
        match (self.lo.is_finite(), self.hi.is_finite()) {
            (true, true) => self.hi - self.lo,
            (true, false) => OPEN_UNIT * finite_size(self.lo),
            (false, true) => OPEN_UNIT * finite_size(self.hi),
            (false, false) => 1.0,
        }
    }
}

fn finite_size(z: f64) -> f64 {
    if z.is_finite() { z.abs().max(1.0) } else { 0.0 }
}

/// The interval that the optimisation aims for, inside a [`Range`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Lower end, or minus infinity.
    pub lo: f64,
    /// Upper end, or infinity.
    pub hi: f64,
}

impl Band {
    /// Width, infinite where an end is open; negative if nothing is left.
    pub fn width(self) -> f64 {
        self.hi - self.lo
    }

    /// Whether `f` lies in the band.
    pub fn contains(self, f: f32) -> bool {
        (self.lo..=self.hi).contains(&f64::from(f))
    }

    /// The nearest point of the band.
    pub fn clip(self, f: f64) -> f64 {
        f.max(self.lo).min(self.hi)
    }

    /// The band less `margin` at both ends, but never less than a quarter of it.
    pub fn narrowed(self, margin: f64) -> Band {
        let margin = margin.min(0.5 * (1.0 - LEAST_SHARE) * self.width());
        Band {
            lo: self.lo + margin,
            hi: self.hi - margin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_width_reversed_and_nan_are_refused() {
        for (lo, hi) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::NAN)] {
            assert!(matches!(Range::new(lo, hi), Err(Error::EmptyRange { .. })));
        }
    }

    #[test]
    fn the_accepting_band_keeps_the_tolerance_at_finite_ends() {
        let band = Range::new(50.0, f64::INFINITY).unwrap().accepting();
        assert_eq!((band.lo, band.hi), (50.005, f64::INFINITY));
        let band = Range::new(-0.5, 0.5).unwrap().accepting();
        assert_eq!((band.lo, band.hi), (-0.4999, 0.4999));
        assert!(!band.contains(f32::NAN));
    }

    #[test]
    fn narrowing_leaves_a_quarter() {
        let band = Band { lo: 0.0, hi: 8.0 };
        assert_eq!(band.narrowed(1.0), Band { lo: 1.0, hi: 7.0 });
        assert_eq!(band.narrowed(9.0), Band { lo: 3.0, hi: 5.0 });
        let open = Band {
            lo: 1.0,
            hi: f64::INFINITY,
        };
        assert_eq!(
            open.narrowed(0.5),
            Band {
                lo: 1.5,
                hi: f64::INFINITY
            }
        );
    }
}
