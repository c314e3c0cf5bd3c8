//! Samples the inverse set of neurons: all realistic images that drive them
//! into given ranges.
//!
//! A [`Pair`] is a classifier and a generator, or a classifier alone where the
//! pixels themselves are searched; a [`Request`] says what to
//! sample; a [`Job`] is a request resolved against a pair, and its run writes
//! a directory of accepted images whose activations were all recomputed from
//! the images as they are saved.
//!
//! ```
//! use std::path::Path;
//!
//! use inverse_set::{Device, Event, Flow, Job, Pair, Request};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let directory = folder.path().join("volcanoes");
//! let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights");
//! let [classifier, generator] = Pair::files(&weights, "tiny");
//! let pair = Pair::open(&classifier, &generator, &Device::auto(None)?)?;
//! let request = Request {
//!     neurons: vec!["fc8:volcano=c25..c75".into()],
//!     samples: 6,
//!     batch: 3,
//!     ..Request::default()
//! };
//! let job = Job::new(pair, &request)?;
//! let summary = job.run(&directory, &mut |event| {
//!     if let Event::Batch { accepted, wanted, .. } = event {
//!         println!("{accepted} of {wanted}");
//!     }
//!     Flow::Continue
//! })?;
//! let [least, greatest] = summary.activations[0];
//! println!("{}: {least} to {greatest}", job.neurons()[0]);
//! # assert!(job.neurons()[0].lo <= least && greatest <= job.neurons()[0].hi);
//! # Ok(())
//! # }
//! ```

mod atlas;
mod claim;
pub mod compare;
mod directory;
mod encoding;
mod error;
mod expression;
mod finish;
mod finished;
pub mod grid;
mod job;
mod levels;
mod lock;
mod model;
mod neuron;
mod page;
mod pair;
mod pair_sampler;
mod probe;
mod record;
mod reference;
mod report;
mod results;
mod run;
mod samples;
mod scan;
mod source;
mod state_file;
mod unfinished;
mod verify;

pub use atlas::{
    Atlas, AtlasEntry, AtlasEvent, AtlasRecord, NetworkPlace, NetworkPlaces, Plan, Shard,
};
pub use encoding::Distance;
pub use engine::{Clamp, Device, LayerShape};
pub use error::Error;
pub use expression::{Bound, Expression, UnitName};
pub use job::{Job, Request};
pub use levels::{Level, LevelEvent, Levels, LevelsSummary, Outcome};
pub use netfile::FileSource;
pub use neuron::{Distribution, Neuron, Unit, did_you_mean};
pub use page::{quoted, thousands, write_report};
pub use pair::Pair;
pub use probe::Probe;
pub use record::{NetworkRecord, StoredImages};
pub use report::{Event, Flow, Summary};
pub use scan::{Quantiles, Scan, ScanRequest, Scanned, Unreadable};
pub use unfinished::{Unfinished, Work};
pub use verify::{Fault, FinishedRun, Margin, Needed, Verified, finished_runs};
