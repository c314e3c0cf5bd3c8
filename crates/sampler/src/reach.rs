//! What values the neurons took while no sample was in range: the material of
//! the error when a range cannot be reached.

use crate::error::{Error, Unmet};
use crate::range::Range;
use crate::screen::miss;

/// Least and greatest value of every neuron, and the looks that came nearest to
/// all ranges.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) least: Vec<f32>,
    pub(crate) greatest: Vec<f32>,
    best: Unmet,
    /// How far outside the best look was, see [`miss`].
    best_miss: f64,
    /// The same of the nearest look.
    nearest_miss: f64,
}

impl Reach {
    pub(crate) fn new(neurons: usize) -> Reach {
        Reach {
            least: vec![f32::INFINITY; neurons],
            greatest: vec![f32::NEG_INFINITY; neurons],
            best: Unmet {
                missed: (0..neurons).collect(),
                ..Unmet::default()
            },
            best_miss: f64::INFINITY,
            nearest_miss: f64::INFINITY,
        }
    }

    /// Notes one sample's values.
    pub(crate) fn observe(&mut self, values: &[f32], ranges: &[Range]) {
        self.compare(values, ranges);
        // The order of arguments drops NaN.
        for (j, &value) in values.iter().enumerate() {
            self.least[j] = value.min(self.least[j]);
            self.greatest[j] = value.max(self.greatest[j]);
        }
    }

    /// Keeps the values if they come nearer than those kept.
    fn compare(&mut self, values: &[f32], ranges: &[Range]) {
        if values.iter().any(|value| !value.is_finite()) {
            return;
        }
        let miss = miss(values, ranges);
        if miss < self.nearest_miss {
            self.nearest_miss = miss;
            self.best.nearest = values.to_vec();
        }
        let inside = |j: &usize| ranges[*j].accepting().contains(values[*j]);
        let (met, missed): (Vec<usize>, Vec<usize>) = (0..values.len()).partition(inside);
        let kept = self.best.met.len();
        if met.len() > kept || (met.len() == kept && miss < self.best_miss) {
            self.best_miss = miss;
            self.best.values = values.to_vec();
            (self.best.met, self.best.missed) = (met, missed);
        }
    }

    /// Whether the values seen lie on both sides of, or in, the range of a neuron.
    pub(crate) fn spans(&self, neuron: usize, range: Range) -> bool {
        let band = range.accepting();
        f64::from(self.greatest[neuron]) >= band.lo && f64::from(self.least[neuron]) <= band.hi
    }

    /// The error for a neuron whose range was not entered.
    pub(crate) fn unreachable(&self, neuron: usize, range: Range, evaluations: f64) -> Error {
        Error::Unreachable {
            neuron,
            lo: range.lo(),
            hi: range.hi(),
            least: self.least[neuron],
            greatest: self.greatest[neuron],
            evaluations,
        }
    }

    /// The error when every range was spanned and yet no sample was inside.
    pub(crate) fn not_together(&self, ranges: &[Range], evaluations: f64) -> Error {
        match ranges {
            [range] => self.unreachable(0, *range, evaluations),
            _ => Error::NotTogether {
                unmet: self.best.clone(),
                evaluations,
            },
        }
    }
}
