//! Pictures in terminals that show them.
//!
//! Which protocol a terminal speaks is told by its environment alone: a
//! terminal that is asked and knows no answer would be waited for.

mod protocol;
mod sixel;

use std::env;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use console::Term;

use crate::failure::one_line;
use protocol::Protocol;

/// Whether a contact sheet is shown in the terminal, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Show {
    /// Where the terminal is known to show pictures.
    #[default]
    Auto,
    /// Not at all.
    Never,
    /// By the graphics protocol of kitty, whatever the terminal is.
    Kitty,
    /// By the inline images of iTerm2, whatever the terminal is.
    Iterm2,
    /// As sixels, whatever the terminal is.
    Sixel,
}

/// Shows a PNG file on stdout. That it cannot be read is told on stderr and is
/// no failure: the work is done.
///
/// # Errors
/// Where stdout cannot be written.
pub(crate) fn show(file: &Path, show: Show, quiet: bool) -> Result<()> {
    let chosen = match show {
        Show::Never => None,
        Show::Kitty => Some(Protocol::Kitty),
        Show::Iterm2 => Some(Protocol::Iterm2),
        Show::Sixel => Some(Protocol::Sixel),
        Show::Auto if quiet || !io::stdout().is_terminal() => None,
        Show::Auto => spoken(|name| env::var(name).ok().filter(|value| !value.is_empty())),
    };
    let Some(protocol) = chosen else {
        return Ok(());
    };
    match encoded(file, protocol) {
        Ok(text) => io::stdout().lock().write_all(text.as_bytes())?,
        Err(cause) => {
            let line = format!("showing {}: {cause:#}", file.display());
            let _ = writeln!(io::stderr(), "{}", one_line(&line));
        }
    }
    Ok(())
}

/// What a terminal is to be sent.
fn encoded(file: &Path, protocol: Protocol) -> Result<String> {
    let png = std::fs::read(file)?;
    let picture = image::load_from_memory(&png).context("reading the picture")?;
    let terminal = Term::stdout().size_checked();
    let columns = columns([picture.width(), picture.height()], terminal);
    Ok(protocol.encode(&png, &picture, columns))
}

/// Pixels of a column, where a terminal does not tell: those of a common font.
const COLUMN: u32 = 8;

/// How many columns a picture of that width and height takes: as many as it has
/// pixels for, and no more than fit into a terminal of so many rows and columns
/// with the prompt below. A row is about as high as two columns are wide.
fn columns([width, height]: [u32; 2], terminal: Option<(u16, u16)>) -> u32 {
    let (rows, columns) = terminal.unwrap_or((u16::MAX, 80));
    let rows = u32::from(rows).saturating_sub(2);
    let high = u64::from(2 * rows) * u64::from(width) / u64::from(height.max(1));
    let high = u32::try_from(high).unwrap_or(u32::MAX);
    let all = width.div_ceil(COLUMN);
    all.min(columns.into()).min(high).max(1)
}

/// The protocol of the terminal that set these variables; none where that is
/// not certain. `TERM` is set anew by every terminal, `TERM_PROGRAM` by those
/// that know it, and the rest may come from a terminal that another was started
/// in. A multiplexer passes no pictures on.
fn spoken(variable: impl Fn(&str) -> Option<String>) -> Option<Protocol> {
    let term = variable("TERM").unwrap_or_default();
    let is = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
    let multiplexed = ["TMUX", "STY"].iter().any(|name| variable(name).is_some());
    if multiplexed || term == "dumb" || is(&["screen", "tmux"]) {
        return None;
    }
    if is(&["xterm-kitty", "xterm-ghostty"]) {
        return Some(Protocol::Kitty);
    }
    if is(&["foot", "mlterm", "contour"]) {
        return Some(Protocol::Sixel);
    }
    if let Some(program) = variable("TERM_PROGRAM") {
        return match program.as_str() {
            "ghostty" => Some(Protocol::Kitty),
            "iTerm.app" | "WezTerm" | "mintty" => Some(Protocol::Iterm2),
            _ => None,
        };
    }
    // Konsole shows them from 22.04 on.
    let konsole = variable("KONSOLE_VERSION").and_then(|version| version.parse().ok());
    if variable("KITTY_WINDOW_ID").is_some()
        || konsole.is_some_and(|version: u32| version >= 220_400)
    {
        return Some(Protocol::Kitty);
    }
    (variable("LC_TERMINAL").as_deref() == Some("iTerm2")).then_some(Protocol::Iterm2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_terminals_that_show_pictures_are_sent_them() {
        let [kitty, iterm2, sixel] = [Protocol::Kitty, Protocol::Iterm2, Protocol::Sixel].map(Some);
        for (variables, expected) in [
            (&[][..], None),
            (&[("TERM", "xterm-256color")], None),
            (&[("TERM", "dumb"), ("TERM_PROGRAM", "WezTerm")], None),
            (&[("TERM", "xterm-kitty")], kitty),
            (&[("TERM", "xterm-ghostty")], kitty),
            (&[("TERM_PROGRAM", "ghostty")], kitty),
            (
                &[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")],
                kitty,
            ),
            (&[("KONSOLE_VERSION", "220400")], kitty),
            (&[("KONSOLE_VERSION", "211203")], None),
            (&[("TERM_PROGRAM", "iTerm.app")], iterm2),
            (&[("TERM_PROGRAM", "WezTerm")], iterm2),
            (&[("TERM_PROGRAM", "mintty")], iterm2),
            (&[("LC_TERMINAL", "iTerm2")], iterm2),
            (&[("TERM_PROGRAM", "Apple_Terminal")], None),
            (&[("TERM", "foot-extra")], sixel),
            (&[("TERM", "mlterm-256color")], sixel),
            // What is inherited from the terminal around.
            (&[("TERM", "foot"), ("KITTY_WINDOW_ID", "1")], sixel),
            (
                &[("TERM_PROGRAM", "vscode"), ("KITTY_WINDOW_ID", "1")],
                None,
            ),
            (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux-0/0")], None),
            (&[("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1")], None),
            (&[("TERM", "screen"), ("LC_TERMINAL", "iTerm2")], None),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|variable| variable.0 == name);
                found.map(|variable| variable.1.to_owned())
            };
            assert_eq!(spoken(variable), expected, "{variables:?}");
        }
    }

    #[test]
    fn a_picture_fits_the_terminal() {
        for (size, terminal, expected) in [
            ([684, 684], Some((24, 80)), 44),
            ([684, 684], Some((60, 80)), 80),
            ([684, 684], Some((60, 200)), 86),
            ([684, 100], Some((24, 200)), 86),
            ([684, 684], None, 80),
            ([1, 10_000], Some((24, 80)), 1),
        ] {
            assert_eq!(columns(size, terminal), expected, "{size:?} {terminal:?}");
        }
    }
}
