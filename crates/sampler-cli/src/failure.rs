//! How a command fails: one line on stderr and an exit status.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use inverse_set::Error;

/// A mistake of the user that the library does not know of.
pub(crate) fn mistake(what: impl Into<String>) -> anyhow::Error {
    Error::Request(what.into()).into()
}

/// What clap could not parse: help and version are printed and are no failure,
/// everything else is one line.
pub(crate) fn of_parsing(error: &clap::Error) -> Result<()> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(error.print()?),
        _ => Err(mistake(essence(&error.to_string()))),
    }
}

/// The complaint and the tips of a message of clap, without the usage.
fn essence(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let lines =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let essence = lines.join("; ");
    let essence = essence.strip_prefix("error: ").unwrap_or(&essence);
    essence.replace(":; ", ": ").replace("; [", " [")
}

/// Prints the failure and gives its exit status. Whoever closed the pipe that
/// is written to has seen enough: that is no failure.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    if error
        .chain()
        .filter_map(|cause| cause.downcast_ref())
        .any(closed)
    {
        return ExitCode::SUCCESS;
    }
    // Where stderr cannot be written, the exit status still tells.
    let _ = writeln!(io::stderr(), "error: {}", one_line(&format!("{error:#}")));
    ExitCode::from(status(error))
}

/// 2 for a mistake of the user, 3 where the ranges cannot be reached, 1 for
/// every other failure.
fn status(error: &anyhow::Error) -> u8 {
    match error.downcast_ref() {
        Some(Error::Request(_) | Error::Directory { .. } | Error::Memory { .. }) => 2,
        Some(Error::Unreachable { .. } | Error::NotTogether { .. }) => 3,
        _ => 1,
    }
}

/// Text of arguments, paths and files must neither break the line nor steer
/// the terminal.
pub(crate) fn one_line(message: &str) -> String {
    let escape = |character: char| match character.is_control() {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    };
    message.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_essence_of_what_clap_says() {
        let message = "error: the following required arguments were not provided:\n  \
            --generator <FILE>\n\nUsage: sampler-cli\n\nFor more information, try '--help'.\n";
        assert_eq!(
            essence(message),
            "the following required arguments were not provided: --generator <FILE>"
        );
        let message = "error: invalid value 'x' for '--method <METHOD>'\n  [possible values: lagrangian, \
            ppgn]\n\n  tip: a similar value exists\n\nFor more information, try '--help'.\n";
        assert_eq!(
            essence(message),
            "invalid value 'x' for '--method <METHOD>' [possible values: lagrangian, ppgn]; tip: a \
             similar value exists"
        );
    }

    #[test]
    fn a_message_is_one_harmless_line() {
        assert_eq!(one_line("a\nb\u{1b}[2J é"), "a\\nb\\u{1b}[2J é");
    }
}
