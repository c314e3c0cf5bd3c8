//! From where to where a neuron's levels go.

use std::ops::ControlFlow;

use sampler::methods::{self, Method};
use sampler::{HostSpace, Problem, Range};
use serde::{Deserialize, Serialize};

use crate::model::Classifier;
use crate::source::Source;
use crate::{Bound, Error, Expression, Job, Neuron, Pair};

/// The percentage of the quantile at which levels begin.
const LOW: f64 = 5.0;

/// Images at starting codes that stand for the quantiles that a file lacks.
const STARTS: u64 = 100;

/// The activations that levels cover, and what it took to find them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Span {
    pub lo: f64,
    pub hi: f64,
    pub evaluations: f64,
}

/// The ends that a request gives; the others are infinite.
pub(super) fn given(text: &str, pair: &Pair) -> Result<Neuron, Error> {
    let expression: Expression = text.parse()?;
    let range = expression.range.unwrap_or([Bound::Open, Bound::Open]);
    resolved(&expression, range, text, pair)
}

fn resolved(
    expression: &Expression,
    range: [Bound; 2],
    text: &str,
    pair: &Pair,
) -> Result<Neuron, Error> {
    let expression = Expression {
        range: Some(range),
        ..expression.clone()
    };
    let classifier = &pair.classifier;
    Neuron::resolve(&expression, text, &classifier.file, &classifier.network)
}

/// The low quantile that the classifier's file tells, if it does.
pub(super) fn low_quantile(text: &str, pair: &Pair) -> Result<Option<f64>, Error> {
    let expression: Expression = text.parse()?;
    let range = [Bound::Percentile(LOW), Bound::Open];
    let neuron = resolved(&expression, range, text, pair);
    Ok(neuron.ok().map(|neuron| neuron.lo))
}

impl Job {
    /// The low quantile of the first neuron over images at starting codes, and
    /// the evaluations that it took.
    pub(super) fn low_of_starts(&self) -> Result<(f64, f64), Error> {
        let batch = self.options.batch;
        let everywhere = Range::new(f64::NEG_INFINITY, f64::INFINITY);
        let everywhere = everywhere.map_err(|cause| self.error(cause))?;
        let problem = Problem {
            ranges: vec![everywhere; self.neurons.len()],
            ..self.problem()?
        };
        let (lower, upper) = (problem.starts.lower(), problem.starts.upper());
        let drawn = methods::draw(
            HostSpace::new(lower.to_vec(), upper.to_vec()),
            Source::new(&self.pair, batch, self.clamp)?,
            Classifier::new(&self.pair, &self.neurons, &self.encoding, batch)?,
            &problem,
            &Method::Start,
            self.options.seed,
            batch,
            2.0 * STARTS as f64,
            STARTS,
        );
        let drawn = drawn.map_err(|cause| self.error(cause))?;
        let values = drawn.samples.iter().map(|sample| sample.activations[0]);
        let mut values: Vec<f32> = values.collect();
        values.sort_by(f32::total_cmp);
        let low = values.get(values.len() * LOW as usize / 100);
        let low = low.ok_or_else(|| {
            Error::Sampler("no starting code gives an image with an activation".into())
        })?;
        Ok((f64::from(*low), drawn.evaluations))
    }

    /// The greatest activation of the first neuron that plain ascent finds, and
    /// the evaluations that it took.
    pub(super) fn highest(&self) -> Result<(f64, f64), Error> {
        let found = self
            .sampler(None)?
            .highest(0, &mut |_| ControlFlow::Continue(()));
        let (highest, evaluations) = found.map_err(|cause| self.error(cause))?;
        Ok((f64::from(highest), evaluations))
    }
}

/// The ends of `count` adjacent bands of equal width, from the lowest to the
/// highest; each has six significant digits, so that what is printed is what
/// is sampled.
///
/// # Errors
/// [`Error::Request`] where no such bands lie between the ends.
pub(super) fn edges(span: Span, count: usize) -> Result<Vec<f64>, Error> {
    // A rectified zero may be negative; nobody wants to read that.
    let [lo, hi] = [span.lo, span.hi].map(|end| end + 0.0);
    let edge = |i: usize| {
        let edge = lo + (hi - lo) * i as f64 / count as f64;
        format!("{edge:.5e}").parse().unwrap_or(edge)
    };
    let edges: Vec<f64> = (0..=count).map(edge).collect();
    match edges.is_sorted_by(|a, b| a < b) {
        true => Ok(edges),
        false => Err(Error::Request(format!(
            "cutting {lo:.6}..{hi:.6} into {count} levels: they do not lie apart; give both ends, as in --neuron fc8:3=0..20"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(lo: f64, hi: f64) -> Span {
        Span {
            lo,
            hi,
            evaluations: 0.0,
        }
    }

    #[test]
    fn bands_are_adjacent_and_as_wide_as_each_other() {
        assert_eq!(
            edges(span(-1.0, 3.0), 4).unwrap(),
            [-1.0, 0.0, 1.0, 2.0, 3.0]
        );
        assert_eq!(edges(span(0.0, 1.0), 3).unwrap()[1], 0.333_333);
    }

    #[test]
    fn a_span_that_is_none_is_refused() {
        for (lo, hi) in [(1.0, 1.0), (2.0, 1.0), (1.0, 1.000_001), (0.0, f64::NAN)] {
            let error = edges(span(lo, hi), 8).unwrap_err();
            assert!(error.to_string().contains("into 8 levels"), "{error}");
        }
    }
}
