//! What can go wrong while sampling.

use std::fmt;

/// An error of a model, passed through unchanged.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Why sampling stopped or could not begin. Neurons are named by their index
/// among the ranges of the [`Problem`](crate::Problem).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option or a part of the problem makes no sense; nothing was computed.
    #[error("setting up the sampler: {what} is {found}, expected {expected}")]
    Invalid {
        /// Name of the option or part.
        what: &'static str,
        /// Its value or size.
        found: String,
        /// What would be accepted.
        expected: String,
    },

    /// A range holds no interval.
    #[error("the range {lo}..{hi} is empty; give a lower end below the upper one")]
    EmptyRange {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },

    /// Rounding the images to 8 bits moves the neuron by more than its range allows.
    #[error(
        "neuron {neuron}: the range {lo}..{hi} is too narrow for images of 8 bits; \
         make it at least {least:.4} wide"
    )]
    TooNarrow {
        /// Index of the neuron.
        neuron: usize,
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
        /// The least width that would be accepted.
        least: f64,
    },

    /// No code was found that brings this neuron into its range.
    #[error(
        "neuron {neuron} did not enter {lo}..{hi} in {evaluations} evaluations; \
         it reached {least} to {greatest}; choose a range within these"
    )]
    Unreachable {
        /// Index of the neuron.
        neuron: usize,
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
        /// Least value seen.
        least: f32,
        /// Greatest value seen.
        greatest: f32,
        /// Evaluations spent.
        evaluations: f64,
    },

    /// Each neuron alone may reach its range, but all of them together did not.
    #[error(
        "no image had all neurons in range in {evaluations} evaluations: {unmet}; widen a range"
    )]
    NotTogether {
        /// The closest look.
        unmet: Unmet,
        /// Evaluations spent.
        evaluations: f64,
    },

    /// The limit on evaluations was reached; the batches handed out stay valid.
    #[error(
        "reached the limit of {limit} evaluations with {accepted} of {samples} samples accepted; \
         raise the limit or widen the range"
    )]
    OutOfEvaluations {
        /// The limit.
        limit: u64,
        /// Samples accepted so far.
        accepted: u64,
        /// Samples asked for.
        samples: u64,
    },

    /// The watcher asked to stop; the unfinished batch is dropped.
    #[error("sampling was stopped on request; resume it from the last batch")]
    Stopped,

    /// A saved state does not belong to this problem.
    #[error("resuming: {array} of the saved state has {found} numbers, expected {expected}")]
    State {
        /// Name of the array.
        array: &'static str,
        /// Its length.
        found: usize,
        /// The length that the problem needs.
        expected: usize,
    },

    /// A model failed.
    #[error(transparent)]
    Model(#[from] Failure),
}

/// What came nearest to all ranges together. The first three tell of the looks
/// with the most neurons in range the nearest one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unmet {
    /// Neurons that were in range.
    pub met: Vec<usize>,
    /// Neurons that were outside at the same time.
    pub missed: Vec<usize>,
    /// The values of all neurons then, `[m]`; empty before the first look.
    pub values: Vec<f32>,
    /// The values of the nearest look of all, however many were in range, by
    /// the sum of squares of what each was outside in units of its range.
    pub nearest: Vec<f32>,
}

impl fmt::Display for Unmet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.met.is_empty() {
            write!(out, "neurons {:?} were all outside", self.missed)?;
        } else {
            write!(
                out,
                "neurons {:?} were inside, but not together with {:?}",
                self.met, self.missed
            )?;
        }
        write!(
            out,
            ", at {:?}; the nearest look was at {:?}",
            self.values, self.nearest
        )
    }
}
