//! The command line as a person uses it, on the tiny pair.

mod atlas;
mod bad_input;
mod compare;
mod cuda;
mod demo;
mod events;
mod full_disk;
mod hostile;
mod images;
mod inspect;
mod interrupted;
mod levels;
mod links;
mod manual;
mod networks;
mod plans;
mod program;
mod report;
mod sample;
mod scan;
mod spaces;
mod terminal;
mod verify;
