//! How a command fails: one line on stderr and an exit status.

use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use inverse_set::{Error, Unfinished, quoted};

use crate::interrupt::INTERRUPTED;

/// A mistake of the user that the library does not know of.
pub(crate) fn mistake(what: impl Into<String>) -> anyhow::Error {
    Error::Request(what.into()).into()
}

/// Work that failed and left results which it can go on with.
#[derive(Debug)]
struct Resumable {
    cause: Error,
    /// The command that does.
    resume: String,
}

impl std::error::Error for Resumable {}

impl fmt::Display for Resumable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = match self.cause {
            Error::Stopped { .. } => "",
            _ => "; what was accepted is kept",
        };
        write!(f, "{}{kept}; go on with {}", self.cause, self.resume)
    }
}

/// Why work in a directory failed, with how to go on if it can.
pub(crate) fn of_work(cause: Error, directory: &Path) -> anyhow::Error {
    let name = directory.to_string_lossy();
    of_work_resumed_by(
        cause,
        directory,
        format!("sampler-cli resume {}", quoted(&name)),
    )
}

/// As [`of_work`], where that command goes on with it.
pub(crate) fn of_work_resumed_by(cause: Error, directory: &Path, resume: String) -> anyhow::Error {
    match cause {
        Error::Directory { .. } => anyhow::Error::new(cause).context(ABOUT_OUT),
        Error::Stopped { .. } | Error::Io { .. } | Error::Device(_) | Error::Sampler(_)
            if Unfinished::of(directory).is_ok() =>
        {
            Resumable { cause, resume }.into()
        }
        other => other.into(),
    }
}

/// Which option a complaint about the directory is about.
const ABOUT_OUT: &str = "writing the results (--out)";

/// No neuron reached its range; says so.
#[derive(Debug)]
pub(crate) struct NothingReached(pub(crate) String);

impl fmt::Display for NothingReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NothingReached {}

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
    let status = status(error);
    let kind = match status {
        INTERRUPTED => "",
        _ => "error: ",
    };
    // Where stderr cannot be written, the exit status still tells.
    let _ = writeln!(io::stderr(), "{kind}{}", one_line(&format!("{error:#}")));
    ExitCode::from(status)
}

/// 2 for a mistake of the user, 3 where the ranges cannot be reached, 130 for
/// an interruption, 1 for every other failure.
fn status(error: &anyhow::Error) -> u8 {
    if error.is::<NothingReached>() {
        return 3;
    }
    let resumable = error.downcast_ref().map(|failed: &Resumable| &failed.cause);
    match resumable.or_else(|| error.downcast_ref()) {
        Some(Error::Stopped { .. }) => INTERRUPTED,
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
