//! How many things of how many are done, on stderr: a bar on a terminal, lines
//! now and then elsewhere.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::progress::draws_bars;

/// Least time between two plain lines.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct QuietArgument {
    /// Tell nothing on stderr but errors.
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Shows counts as they come.
pub(crate) struct Counting {
    what: &'static str,
    quiet: bool,
    bar: ProgressBar,
    draws_bar: bool,
    last: Instant,
}

impl Counting {
    /// Counts `what`, e.g. `pictures`.
    pub(crate) fn new(what: &'static str, QuietArgument { quiet }: QuietArgument) -> Counting {
        let style = ProgressStyle::with_template("{bar:20} {wide_msg}");
        let style = style.expect("the template is valid");
        Counting {
            what,
            quiet,
            bar: ProgressBar::new(0).with_style(style),
            draws_bar: draws_bars(),
            last: Instant::now(),
        }
    }

    pub(crate) fn show(&mut self, done: usize, count: usize) {
        if self.quiet {
            return;
        }
        let line = format!("{}: {done} of {count}", self.what);
        if self.draws_bar {
            self.bar.set_length(count as u64);
            self.bar.set_position(done as u64);
            self.bar.set_message(line);
        } else if self.last.elapsed() >= PAUSE {
            // Nobody may be reading it any more; the work goes on.
            let _ = writeln!(io::stderr(), "{line}");
            self.last = Instant::now();
        }
    }
}
