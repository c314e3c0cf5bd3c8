//! Events for programs: with `--json`, one JSON object a line on stdout.
//! docs/events.md describes them.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use inverse_set::{Device, Event, Outcome, Summary};
use serde::Serialize;
use serde_json::{Value, json};

use crate::pictures::{self, Show};

/// Version of the events.
const VERSION: u32 = 1;

#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArguments {
    /// Tell nothing on stderr but errors.
    #[arg(long)]
    pub(crate) quiet: bool,

    /// Tell events on stdout, one JSON object a line, instead of the closing
    /// table, and nothing on stderr but errors.
    #[arg(long)]
    pub(crate) json: bool,

    /// Show the contact sheet in the terminal when all is done.
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        conflicts_with = "json"
    )]
    show: Show,
}

impl OutputArguments {
    /// Whether progress is told to people.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && !self.json
    }

    /// Shows a contact sheet, a PNG file, after the closing table.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub(crate) fn show(self, file: &Path) -> Result<()> {
        pictures::show(file, self.show, self.quiet)
    }
}

/// Tells events.
#[derive(Debug)]
pub(crate) struct Events {
    began: Instant,
    /// Told before the first event, so that a command which cannot start tells
    /// nothing.
    opening: Option<Value>,
    /// Why stdout could not be written.
    failure: Option<io::Error>,
}

#[derive(Serialize)]
struct Line<'a> {
    event: &'a str,
    seconds: f64,
    #[serde(flatten)]
    fields: &'a Value,
}

impl Events {
    /// `about` are fields of the first event, `started`, besides those that
    /// every command tells.
    pub(crate) fn new(command: &str, device: &Device, mut about: Value) -> Events {
        about["version"] = json!(VERSION);
        about["program"] = json!(env!("CARGO_PKG_VERSION"));
        about["command"] = json!(command);
        about["device"] = json!(device.to_string());
        about["fallback"] = json!(device.fallback());
        Events {
            began: Instant::now(),
            opening: Some(about),
            failure: None,
        }
    }

    /// Tells an event of a run.
    pub(crate) fn run(&mut self, event: &Event) {
        match event {
            Event::Seeds {
                feasible,
                evaluations,
                least,
                greatest,
            } => self.tell(
                "seeds",
                &json!({
                    "feasible": feasible,
                    "evaluations": evaluations,
                    "least": least,
                    "greatest": greatest,
                }),
            ),
            Event::Batch {
                accepted,
                wanted,
                evaluations,
            } => self.tell(
                "batch",
                &json!({ "accepted": accepted, "wanted": wanted, "evaluations": evaluations }),
            ),
            Event::Waiting { holder } => self.tell("waiting", &json!({ "holder": holder })),
            Event::Writing => self.tell("writing", &json!({})),
            // Whoever reads knows nothing of others yet.
            _ => {}
        }
    }

    pub(crate) fn tell(&mut self, event: &str, fields: &Value) {
        if let Some(opening) = self.opening.take() {
            self.write("started", &opening);
        }
        self.write(event, fields);
    }

    /// Tells the last event.
    ///
    /// # Errors
    /// Where stdout could not be written at any time.
    pub(crate) fn finish(mut self, fields: &Value) -> Result<()> {
        self.tell("finished", fields);
        self.failure.map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// The work goes on where nobody reads any more.
    fn write(&mut self, event: &str, fields: &Value) {
        let line = Line {
            event,
            seconds: (1e3 * self.began.elapsed().as_secs_f64()).round() / 1e3,
            fields,
        };
        let line = serde_json::to_string(&line).expect("events are plain");
        if self.failure.is_none() {
            self.failure = writeln!(io::stdout().lock(), "{line}").err();
        }
    }
}

/// What a finished run amounts to.
pub(crate) fn summary(summary: &Summary) -> Value {
    let Summary {
        directory,
        samples,
        images,
        already_finished,
        activations,
        evaluations_per_sample,
        distances_over,
        mean_pair_distance,
        mean_nearest_distance,
    } = summary;
    let end = |end: usize| {
        activations
            .iter()
            .map(|ends| ends[end])
            .collect::<Vec<f64>>()
    };
    json!({
        "directory": directory.to_string_lossy(),
        "samples": samples,
        "images": images,
        "already_finished": already_finished,
        "least": end(0),
        "greatest": end(1),
        "evaluations_per_sample": evaluations_per_sample,
        "distances_over": distances_over,
        "mean_pair_distance": mean_pair_distance,
        "mean_nearest_distance": mean_nearest_distance,
    })
}

/// What became of a level: its summary, or why it was missed.
pub(crate) fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Sampled(sampled) => json!({ "sampled": summary(sampled), "missed": null }),
        Outcome::Missed(why) => json!({ "sampled": null, "missed": why }),
    }
}
