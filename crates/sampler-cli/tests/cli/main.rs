//! The command line as a person uses it, on the tiny pair.

mod bad_input;
mod inspect;
mod networks;
mod program;
mod sample;
