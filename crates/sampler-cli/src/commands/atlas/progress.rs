//! How far an atlas has come, on stderr.

use std::time::Instant;

use indicatif::ProgressBar;
use inverse_set::{AtlasEvent, Device, Event, Outcome};

use crate::progress::{BAR_LENGTH, PAUSE, Pace, bar, clock, describe, draws_bars, print_line};

/// Shows events as they come: a bar on a terminal, lines now and then elsewhere.
pub(super) struct Progress {
    /// Where networks run; shown before the first event, so that an atlas which
    /// cannot start tells nothing but why.
    opening: Option<String>,
    bar: Option<ProgressBar>,
    last: Option<Instant>,
    neuron: String,
    /// Neurons before this one, and all of them.
    place: [usize; 2],
    pace: Pace,
    began: Instant,
    /// Neurons that were sampled since then.
    sampled: usize,
}

impl Progress {
    pub(super) fn new(device: &Device) -> Progress {
        Progress {
            opening: Some(match device.fallback() {
                None => format!("sampling on {device}"),
                Some(reason) => format!("sampling on {device}: {reason}"),
            }),
            bar: draws_bars().then(bar),
            last: None,
            neuron: String::new(),
            place: [0, 1],
            pace: Pace::default(),
            began: Instant::now(),
            sampled: 0,
        }
    }

    pub(super) fn show(&mut self, event: &AtlasEvent<'_>) {
        if let Some(opening) = self.opening.take() {
            print_line(&opening);
        }
        match event {
            AtlasEvent::Begins {
                before, of, neuron, ..
            } => {
                self.neuron = neuron.to_string();
                self.place = [*before, *of];
                self.pace = Pace::default();
            }
            AtlasEvent::Goes(event) => self.go(event),
            AtlasEvent::Ends { outcome, .. } => {
                self.sampled += match outcome {
                    Outcome::Sampled(summary) => usize::from(!summary.already_finished),
                    Outcome::Missed(_) => 1,
                };
            }
            _ => {}
        }
    }

    /// Tells something besides.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| print_line(line)),
            None => print_line(line),
        }
    }

    fn go(&mut self, event: &Event) {
        let now = Instant::now();
        let (share, doing) = describe(event, &mut self.pace, now);
        let share = match event {
            Event::Seeds { .. } => 0.0,
            _ => share,
        };
        let [before, of] = self.place;
        let line = format!(
            "sampling {} of {of}{}: {}, {doing}",
            before + 1,
            self.left(now),
            self.neuron
        );
        match &self.bar {
            Some(bar) => {
                let done = (before as f64 + share) / of as f64;
                bar.set_position((done * BAR_LENGTH as f64) as u64);
                bar.set_message(line);
            }
            None if self.last.is_none_or(|last| now - last >= PAUSE) => {
                print_line(&line);
                self.last = Some(now);
            }
            None => {}
        }
    }

    /// How long the others will take, once that can be told.
    fn left(&self, now: Instant) -> String {
        if self.sampled == 0 {
            return String::new();
        }
        let [before, of] = self.place;
        let each = (now - self.began).as_secs_f64() / self.sampled as f64;
        format!(" ({} left)", clock(each * (of - before) as f64))
    }
}
