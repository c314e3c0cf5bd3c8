//! The command line as a person uses it, on the tiny pair.

mod bad_input;
mod compare;
mod cuda;
mod images;
mod inspect;
mod levels;
mod networks;
mod program;
mod sample;
mod scan;
mod spaces;
