//! How far a comparison has come, on stderr.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use inverse_set::compare::Step;

use crate::progress::draws_bars;

/// Least time between two plain lines.
const PAUSE: Duration = Duration::from_secs(5);

/// Shows steps as they come: a bar on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub(crate) enum Progress {
    Bar(ProgressBar),
    Lines { last: Option<Instant> },
}

impl Progress {
    pub(crate) fn new() -> Progress {
        if !draws_bars() {
            return Progress::Lines { last: None };
        }
        let style = ProgressStyle::with_template("{bar:20} {pos} of {len} {wide_msg}");
        let style = style.expect("the template is valid");
        Progress::Bar(ProgressBar::new(0).with_style(style))
    }

    pub(crate) fn show(&mut self, step: &Step<'_>) {
        let ([done, all], message) = match step {
            Step::References => ([0, 0], "looking at the reference images".to_owned()),
            Step::Run {
                neuron,
                method,
                runs,
            } => (*runs, format!("{method} for {neuron}")),
        };
        match self {
            Progress::Bar(bar) => {
                bar.set_length(all as u64);
                bar.set_position(done as u64);
                bar.set_message(message);
            }
            Progress::Lines { last } => {
                let now = Instant::now();
                if last.is_none_or(|last| now - last >= PAUSE) {
                    // Nobody may be reading; the comparison goes on.
                    let _ = match all {
                        0 => writeln!(io::stderr(), "comparing: {message}"),
                        _ => {
                            let run = done + 1;
                            writeln!(io::stderr(), "comparing: run {run} of {all}, {message}")
                        }
                    };
                    *last = Some(now);
                }
            }
        }
    }
}
