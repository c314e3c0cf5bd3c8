//! How far a run has come, on stderr: a bar on a terminal, plain lines
//! elsewhere.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use inverse_set::{Device, Event, Neuron};

use crate::failure::one_line;

/// Least time between two plain lines.
pub(crate) const PAUSE: Duration = Duration::from_secs(2);

/// Shows events as they come.
#[derive(Debug)]
pub(crate) struct Progress {
    /// What is sampled; shown before the first event, so that a run which
    /// cannot start tells nothing but why.
    opening: Vec<String>,
    pace: Pace,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines { last: Option<Instant> },
}

impl Progress {
    pub(crate) fn new(neurons: &[Neuron], device: &Device) -> Progress {
        let opening = |neuron: &Neuron| format!("sampling {neuron} in {}", neuron.range());
        let place = match device.fallback() {
            None => format!("sampling on {device}"),
            Some(reason) => format!("sampling on {device}: {reason}"),
        };
        let shown = match draws_bars() {
            true => Shown::Bar(bar()),
            false => Shown::Lines { last: None },
        };
        Progress {
            opening: neurons.iter().map(opening).chain([place]).collect(),
            pace: Pace::default(),
            shown,
        }
    }

    pub(crate) fn show(&mut self, event: &Event) {
        for line in self.opening.drain(..) {
            print_line(&line);
        }
        let now = Instant::now();
        let (share, message) = describe(event, &mut self.pace, now);
        match &mut self.shown {
            Shown::Bar(bar) => {
                bar.set_position((share * BAR_LENGTH as f64) as u64);
                bar.set_message(message);
            }
            Shown::Lines { last } => {
                if last.is_none_or(|last| now - last >= PAUSE) {
                    print_line(&message);
                    *last = Some(now);
                }
            }
        }
    }
}

impl Progress {
    /// Tells something besides.
    pub(crate) fn say(&self, line: &str) {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| print_line(line)),
            Shown::Lines { .. } => print_line(line),
        }
    }
}

/// Whether stderr is a terminal that may be sent more than plain lines: a bar
/// moves the cursor, which needs escapes.
pub(crate) fn draws_bars() -> bool {
    let variable = |name| std::env::var_os(name);
    takes_escapes(
        io::stderr().is_terminal(),
        variable("NO_COLOR").as_deref(),
        variable("TERM").as_deref(),
    )
}

/// By `NO_COLOR` (no-color.org) and `TERM`.
fn takes_escapes(terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

/// Finer than any terminal can show.
pub(crate) const BAR_LENGTH: u64 = 1000;

pub(crate) fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:20} {wide_msg}").expect("the template is valid");
    ProgressBar::new(BAR_LENGTH).with_style(style)
}

/// Nobody may be reading the progress any more; the run goes on.
pub(crate) fn print_line(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// When sampling began after the seeds, and with how many samples.
#[derive(Debug, Default)]
pub(crate) struct Pace(Option<(Instant, usize)>);

impl Pace {
    /// Samples per second since the first call; `None` until there are any.
    fn per_second(&mut self, accepted: usize, now: Instant) -> Option<f64> {
        let (began, first) = *self.0.get_or_insert((now, accepted));
        let seconds = (now - began).as_secs_f64();
        (accepted > first && seconds > 0.0).then(|| (accepted - first) as f64 / seconds)
    }
}

/// The share that is done of the present phase, and a line about it.
pub(crate) fn describe(event: &Event, pace: &mut Pace, now: Instant) -> (f64, String) {
    match *event {
        Event::Seeds {
            feasible,
            evaluations,
            ref least,
            ref greatest,
        } => {
            let mut line = format!("seeds: {:.0} % feasible", 100.0 * feasible);
            add_activations(&mut line, least, greatest);
            let evaluations = format!(", {evaluations:.0} evaluations");
            if line.len() + evaluations.len() <= MESSAGE {
                line += &evaluations;
            }
            (feasible, line)
        }
        Event::Batch {
            accepted, wanted, ..
        } => {
            let share = accepted as f64 / wanted as f64;
            let pace = pace
                .per_second(accepted, now)
                .map_or(String::new(), |rate| {
                    let left = (wanted - accepted.min(wanted)) as f64 / rate;
                    format!(", {rate:.1} per second, {} left", clock(left))
                });
            (
                share,
                format!(
                    "samples: {accepted} of {wanted} ({:.0} %){pace}",
                    100.0 * share
                ),
            )
        }
        Event::Waiting { ref holder } => (
            0.0,
            format!(
                "waiting to see whether {} still works here",
                one_line(holder)
            ),
        ),
        _ => (1.0, "writing the results".to_owned()),
    }
}

/// Characters of a message that stand beside a bar in 80 columns.
const MESSAGE: usize = 59;

/// Adds the least and the greatest activation so far of as many neurons as
/// there is room for.
fn add_activations(line: &mut String, least: &[f32], greatest: &[f32]) {
    for (i, (&low, &high)) in least.iter().zip(greatest).enumerate() {
        let range = format!(", {}..{}", short(low), short(high));
        let others = match least.len() - i - 1 {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        if line.len() + range.len() + others.len() > MESSAGE {
            *line += &format!(" and {} more", least.len() - i);
            return;
        }
        *line += &range;
    }
}

/// Three digits, or what stands before the point.
fn short(activation: f32) -> String {
    match activation.abs() {
        size if !size.is_finite() => "-".to_owned(),
        // Nobody wants to read of a negative zero.
        size if size < 10.0 => format!("{:.2}", (100.0 * activation).round() / 100.0 + 0.0),
        size if size < 100.0 => format!("{activation:.1}"),
        _ => format!("{activation:.0}"),
    }
}

/// Seconds as people say them: `8 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn clock(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_how_much_is_left() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let batch = |accepted| Event::Batch {
            accepted,
            wanted: 100,
            evaluations: 0.0,
        };
        for (accepted, seconds, line) in [
            (10, 0, "samples: 10 of 100 (10 %)"),
            (
                20,
                1,
                "samples: 20 of 100 (20 %), 10.0 per second, 8 s left",
            ),
            (
                30,
                40,
                "samples: 30 of 100 (30 %), 0.5 per second, 2 min 20 s left",
            ),
            (
                100,
                90,
                "samples: 100 of 100 (100 %), 1.0 per second, 0 s left",
            ),
        ] {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(describe(&batch(accepted), &mut pace, now).1, line);
        }
    }

    #[test]
    fn tells_what_the_seeds_reach() {
        let many = |count| (vec![-25.731; count], vec![19.318; count]);
        for ((least, greatest), line) in [
            (
                (vec![-0.004], vec![1234.5]),
                "seeds: 40 % feasible, 0.00..1234, 120 evaluations",
            ),
            (
                (vec![f32::INFINITY], vec![f32::NEG_INFINITY]),
                "seeds: 40 % feasible, -..-, 120 evaluations",
            ),
            (many(2), "seeds: 40 % feasible, -25.7..19.3, -25.7..19.3"),
            (
                many(4),
                "seeds: 40 % feasible, -25.7..19.3, -25.7..19.3 and 2 more",
            ),
            (
                many(100),
                "seeds: 40 % feasible, -25.7..19.3, -25.7..19.3 and 98 more",
            ),
        ] {
            let event = Event::Seeds {
                feasible: 0.4,
                evaluations: 120.0,
                least,
                greatest,
            };
            let found = describe(&event, &mut Pace::default(), Instant::now()).1;
            assert_eq!(found, line);
            assert!(found.len() <= MESSAGE);
        }
    }

    #[test]
    fn only_a_terminal_that_takes_them_is_sent_escapes() {
        let text = |text: &'static str| Some(OsStr::new(text));
        for (terminal, no_color, term, expected) in [
            (true, None, text("xterm"), true),
            (true, None, None, true),
            (true, text(""), text("xterm"), true),
            (true, text("1"), text("xterm"), false),
            (true, None, text("dumb"), false),
            (false, None, text("xterm"), false),
        ] {
            assert_eq!(takes_escapes(terminal, no_color, term), expected);
        }
    }

    #[test]
    fn says_times_as_people_do() {
        for (seconds, text) in [
            (0.2, "1 s"),
            (59.0, "59 s"),
            (60.0, "1 min 0 s"),
            (7500.0, "2 h 5 min"),
        ] {
            assert_eq!(clock(seconds), text);
        }
    }
}
