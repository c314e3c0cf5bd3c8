//! `sampler-cli completions`: what a shell needs to complete arguments.

use std::io::{self, Write as _};

use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;

/// Prints the completions of a shell.
///
/// Put them where your shell looks for completions, or read them when it
/// starts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sampler-cli completions bash > ~/.local/share/bash-completion/completions/sampler-cli
  sampler-cli completions fish > ~/.config/fish/completions/sampler-cli.fish
  sampler-cli completions zsh > ~/.zfunc/_sampler-cli")]
pub(crate) struct Arguments {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // Made in memory first: a pipe that is closed is no failure, and the
    // generator would panic.
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut text);
    Ok(io::stdout().lock().write_all(&text)?)
}
