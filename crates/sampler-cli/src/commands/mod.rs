//! The commands, one a file.

mod atlas;
mod compare;
mod completions;
mod inspect;
mod levels;
mod manual;
mod report;
mod resume;
mod sample;
mod scan;
mod verify;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Samples the images that drive a neuron into a range.
///
/// They are realistic, as different as they can be, and each of them drives
/// the chosen neurons of a trained network into the chosen ranges. Without
/// arguments: `sample` with every default, the demo.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Examples:
  sampler-cli
  sampler-cli inspect --layer fc8
  sampler-cli sample --neuron fc8:Coat=c25..c75 -n 50 --out runs/coats
  sampler-cli verify runs/coats"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Sample(sample::Arguments),
    Levels(levels::Arguments),
    Atlas(Box<atlas::Arguments>),
    Scan(scan::Arguments),
    Inspect(inspect::Arguments),
    Compare(compare::Arguments),
    Resume(resume::Arguments),
    Verify(verify::Arguments),
    Report(report::Arguments),
    Completions(completions::Arguments),
    Manual(manual::Arguments),
}

impl Command {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Command::Sample(arguments) => sample::run(arguments),
            Command::Levels(arguments) => levels::run(arguments),
            Command::Atlas(arguments) => atlas::run(*arguments),
            Command::Scan(arguments) => scan::run(arguments),
            Command::Inspect(arguments) => inspect::run(&arguments),
            Command::Compare(arguments) => compare::run(&arguments),
            Command::Resume(arguments) => resume::run(&arguments),
            Command::Verify(arguments) => verify::run(&arguments),
            Command::Report(arguments) => report::run(&arguments),
            Command::Completions(arguments) => completions::run(&arguments),
            Command::Manual(arguments) => manual::run(&arguments),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// A command line as a shell would split it, up to a redirection.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut quoted) = (vec![String::new()], false);
        for character in line
            .split(['>', '|'])
            .next()
            .unwrap_or_default()
            .trim()
            .chars()
        {
            match character {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                other => words.last_mut().unwrap().push(other),
            }
        }
        words
    }

    #[test]
    fn every_command_has_examples_that_it_takes() {
        let program = Cli::command();
        for command in std::iter::once(&program).chain(program.get_subcommands()) {
            let help = command.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            let mut lines = help.lines();
            assert_eq!(lines.next(), Some("Examples:"), "{}", command.get_name());
            assert!(lines.clone().count() > 0, "{}", command.get_name());
            for line in lines {
                let parsed = Cli::try_parse_from(words(line));
                // Without arguments the program adds `sample` itself.
                assert!(parsed.is_ok() || line.trim() == "sampler-cli", "{line}");
            }
        }
    }
}
