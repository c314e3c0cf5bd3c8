//! Samples the inverse set of a neuron from the command line.
//!
//! Progress goes to stderr and results to stdout; a failure is one line on
//! stderr and an exit status that says whose it is.

#![allow(
    rustdoc::invalid_html_tags,
    rustdoc::broken_intra_doc_links,
    reason = "the doc comments of arguments are help for the terminal"
)]

mod commands;
mod counting;
mod demo;
mod distances;
mod events;
mod failure;
mod interrupt;
mod networks;
mod pictures;
mod progress;
mod recorded;
mod summary;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.len() <= 1 {
        arguments = vec!["sampler-cli".into(), "sample".into()];
    }
    let done = match commands::Cli::try_parse_from(arguments) {
        Ok(cli) => cli.command.run(),
        Err(error) => failure::of_parsing(&error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
