//! The sampler's view of a pair of networks.
//!
//! Where networks run on the CPU the sampler is shown vectors in main memory
//! (its `HostSpace`); on any other device what it works on stays there
//! (`resident`), and only numbers of neurons cross.

mod classifier;
mod generator;
mod pass;
mod resident;
mod tail;

use engine::Shape;
use sampler::Failure;

use crate::Error;
pub(crate) use classifier::Classifier;
pub(crate) use generator::CodeGenerator;
pub(crate) use resident::{Extent, ResidentClassifier, ResidentSource, ResidentSpace};

/// The shape of so many numbers.
fn vector(len: usize) -> Shape {
    Shape::new(&[len]).expect("there is a neuron")
}

/// Networks that do not fit together, or do not fit into memory.
pub(crate) fn unfit(cause: engine::Error) -> Error {
    Error::from_engine("joining generator and classifier", cause)
}

/// What a network at work failed of.
pub(crate) fn failed(failure: Failure) -> Error {
    match failure.downcast::<engine::Error>() {
        Ok(cause) => unfit(*cause),
        Err(other) => Error::Sampler(other.to_string()),
    }
}

#[cfg(test)]
mod bus_tests;
#[cfg(test)]
mod tests;
