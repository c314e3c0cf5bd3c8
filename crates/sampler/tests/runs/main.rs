//! Whole runs of the sampler on maps with known answers.

mod maps;
mod networks;
mod resuming;
mod sampling;
