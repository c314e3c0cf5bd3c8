//! Samples the inverse set of neurons: all realistic images that drive them
//! into given ranges.
//!
//! A [`Pair`] is a classifier and a generator, or a classifier alone where the
//! pixels themselves are searched; a [`Request`] says what to
//! sample; a [`Job`] is a request resolved against a pair, and its run writes
//! a directory of accepted images whose activations were all recomputed from
//! the images as they are saved.

pub mod compare;
mod directory;
mod encoding;
mod error;
mod expression;
mod finish;
pub mod grid;
mod job;
mod levels;
mod model;
mod neuron;
mod pair;
mod pair_sampler;
mod record;
mod reference;
mod report;
mod results;
mod run;
mod samples;
mod scan;
mod source;
mod state_file;

pub use encoding::Distance;
pub use engine::{Clamp, Device};
pub use error::Error;
pub use expression::{Bound, Expression, UnitName};
pub use job::{Job, Request};
pub use levels::{Level, LevelEvent, Levels, LevelsSummary, Outcome};
pub use neuron::{Distribution, Neuron, Unit};
pub use pair::Pair;
pub use record::StoredImages;
pub use report::{Event, Flow, Summary};
pub use scan::{Quantiles, Scan, ScanRequest, Scanned, Unreadable};
