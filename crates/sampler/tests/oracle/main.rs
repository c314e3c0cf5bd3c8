//! The analytic case: a linear-logistic neuron on the unit cube, whose inverse
//! set is known exactly, as an oracle of the sampler.

mod kkt;
mod maximise;
mod neuron;
mod polytope;
mod samples;
mod saturation;
mod vertices;
mod walks;
