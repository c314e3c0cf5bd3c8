//! Samples the inverse set of neurons: all realistic images that drive them
//! into given ranges.
//!
//! A [`Pair`] is a classifier and a generator; a [`Request`] says what to
//! sample; a [`Job`] is a request resolved against a pair, and its run writes
//! a directory of accepted images whose activations were all recomputed from
//! the images as they are saved.

mod directory;
mod error;
mod expression;
mod grid;
mod job;
mod model;
mod neuron;
mod pair;
mod record;
mod report;
mod run;
mod samples;
mod state_file;

pub use engine::{Clamp, Device};
pub use error::Error;
pub use expression::{Bound, Expression, UnitName};
pub use job::{Job, Request};
pub use neuron::{Distribution, Neuron, Unit};
pub use pair::Pair;
pub use report::{Event, Flow, Summary};
