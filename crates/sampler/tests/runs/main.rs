//! Whole runs of the sampler on maps with known answers.

mod maps;
mod methods;
mod networks;
mod pressing;
mod resuming;
mod sampling;
