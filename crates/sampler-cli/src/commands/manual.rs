//! `sampler-cli manual`: manual pages.

use std::io::{self, Write as _};

use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_mangen::Man;
use inverse_set::did_you_mean;

use super::Cli;
use crate::failure::mistake;

/// Prints a manual page, for man to read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli manual | man -l -
  sampler-cli manual sample > ~/.local/share/man/man1/sampler-cli-sample.1")]
pub(crate) struct Arguments {
    /// The command that it is about [default: the program].
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // Gives every command its full name and the options of the program.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let command = match &arguments.command {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            found.ok_or_else(|| {
                let names = program.get_subcommands().map(clap::Command::get_name);
                let names: Vec<&str> = names.collect();
                mistake(format!(
                    "the manual of {name:?}: expected {}{}",
                    names.join(", "),
                    did_you_mean(name, names.iter().copied())
                ))
            })?
        }
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(io::stdout().lock().write_all(&page)?)
}
