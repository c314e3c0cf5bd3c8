//! `atlas.json`, and what the folders of the neurons say of them.

use std::path::{Path, PathBuf};

use netfile::disk;
use serde::{Deserialize, Serialize};

use super::{AtlasEntry, AtlasRecord};
use crate::directory::{Directory, MANIFEST, RUN};
use crate::lock;
use crate::record::Run;
use crate::{Error, Job, Neuron, Outcome, Summary};

/// The record's name.
pub(super) const RECORD: &str = "atlas.json";

/// The file that says why a neuron has no finished run.
const MISSED: &str = "missed.json";

/// Longest name of a neuron's folder.
const LONGEST_NAME: usize = 120;

/// The directory of a neuron.
pub(crate) fn folder(index: usize, neuron: &Neuron) -> String {
    let mut name = format!("{index:05}-{}", neuron.slug());
    // A slug has one byte a character.
    name.truncate(LONGEST_NAME);
    name.trim_end_matches(['-', '.']).to_owned()
}

/// Whether a directory holds an atlas, finished or not.
pub(crate) fn are_there(directory: &Path) -> bool {
    directory.join(RECORD).exists()
}

/// What the record holds besides the request, once there are results.
#[derive(Serialize)]
pub(super) struct Rows {
    pub neurons: Vec<Option<Row>>,
}

/// A neuron that is done.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    /// Its folder, for those who read the record; this program derives it.
    #[serde(skip_deserializing)]
    directory: String,
    pub samples: usize,
    pub least: Option<f64>,
    pub greatest: Option<f64>,
    pub evaluations_per_sample: Option<f64>,
    pub mean_pair_distance: Option<f64>,
    /// Why there is no finished run.
    pub missed: Option<String>,
}

impl Row {
    pub(super) fn of(entry: &AtlasEntry) -> Option<Row> {
        let (sampled, missed) = match entry.outcome.as_ref()? {
            Outcome::Sampled(summary) => (Some(summary), None),
            Outcome::Missed(why) => (None, Some(why.clone())),
        };
        let end = |end: usize| sampled?.activations.first().map(|ends| ends[end]);
        Some(Row {
            directory: folder(entry.index, &entry.neuron),
            samples: sampled.map_or(0, |summary| summary.samples),
            least: end(0),
            greatest: end(1),
            evaluations_per_sample: sampled.map(|summary| summary.evaluations_per_sample),
            mean_pair_distance: sampled.map(|summary| summary.mean_pair_distance),
            missed,
        })
    }
}

/// The record of an atlas.
#[derive(Deserialize)]
pub(crate) struct Recorded {
    pub request: AtlasRecord,
    /// One for each neuron of the request, `None` while it is not done; empty
    /// where nothing was gathered yet.
    #[serde(default)]
    pub neurons: Vec<Option<Row>>,
}

impl Recorded {
    /// What is known of a neuron that is done.
    pub(crate) fn row(&self, index: usize) -> Option<&Row> {
        self.neurons.get(index)?.as_ref()
    }

    /// The folders of the neurons that were sampled, with their numbers.
    pub(crate) fn sampled(&self) -> impl Iterator<Item = (usize, String)> {
        let rows = self.request.neurons.iter().zip(&self.neurons).enumerate();
        rows.filter_map(|(index, (neuron, row))| {
            let found = row.as_ref().is_some_and(|row| row.samples != 0);
            found.then(|| (index, folder(index, neuron)))
        })
    }
}

/// Reads the record of an atlas.
///
/// # Errors
/// [`Error::Directory`] where the file is damaged, [`Error::Io`] where it cannot
/// be read.
pub(crate) fn recorded(directory: &Path) -> Result<Recorded, Error> {
    let path = directory.join(RECORD);
    let damaged = |cause: &str| refused(&path, &format!("is damaged ({cause})"));
    let recorded: Recorded = read(&path)?.map_err(|cause| damaged(&cause))?;
    let (rows, neurons) = (recorded.neurons.len(), recorded.request.neurons.len());
    match rows == 0 || rows == neurons {
        true => Ok(recorded),
        false => Err(damaged(&format!("{rows} rows, expected {neurons}"))),
    }
}

/// The run directories of all neurons that were sampled; `None` where there is
/// no atlas.
///
/// # Errors
/// Those of [`recorded`], and [`Error::Directory`] where nothing was gathered
/// yet.
pub(crate) fn sampled(directory: &Path) -> Result<Option<Vec<PathBuf>>, Error> {
    if !are_there(directory) {
        return Ok(None);
    }
    let recorded = recorded(directory)?;
    if recorded.neurons.is_empty() {
        return Err(refused(
            &directory.join(RECORD),
            "lists no neuron that is done; finish the atlas with the command that began it, or with sampler-cli atlas --merge",
        ));
    }
    let sampled = recorded.sampled();
    Ok(Some(
        sampled.map(|(_, folder)| directory.join(folder)).collect(),
    ))
}

/// Why a neuron has no finished run.
#[derive(Serialize, Deserialize)]
struct Missed {
    neuron: Neuron,
    why: String,
    /// Samples that were accepted, and are kept in its folder.
    samples: usize,
}

/// What became of the neuron that the job is aimed at, if it is done; which
/// machine computed it does not matter.
///
/// # Errors
/// [`Error::Directory`] where its folder holds something else or a file is
/// damaged, [`Error::Io`] where one cannot be read.
pub(super) fn outcome(job: &Job, folder: &Path) -> Result<Option<Outcome>, Error> {
    let (missed, record) = (folder.join(MISSED), folder.join(RUN));
    if missed.exists() {
        let found = read::<Missed>(&missed)?;
        let found = found.map_err(|cause| {
            refused(
                &missed,
                &format!("is damaged ({cause}); remove it to sample the neuron again"),
            )
        })?;
        return match found.neuron == job.neurons()[0] {
            true => Ok(Some(Outcome::Missed(found.why))),
            false => Err(refused(
                &missed,
                "is of another neuron; remove it to sample this one",
            )),
        };
    }
    if !(record.exists() && folder.join(MANIFEST).exists()) {
        return Ok(None);
    }
    let (files, run) = Directory::of_finished(folder)?;
    let here = Run {
        instruction_set: job.record.instruction_set.clone(),
        ..run
    };
    match here == job.record {
        true => {
            lock::clear(folder);
            let summary = Summary::new(folder, files.manifest()?, here.images, true);
            Ok(Some(Outcome::Sampled(summary)))
        }
        false => Err(refused(&record, "is of another run; remove its folder")),
    }
}

/// Records that the neuron which the job is aimed at was missed.
pub(super) fn miss(job: &Job, folder: &Path, error: &Error) -> Result<Outcome, Error> {
    let why = error.to_string();
    let missed = Missed {
        neuron: job.neurons()[0].clone(),
        why: why.clone(),
        samples: job.kept(folder)?,
    };
    let path = folder.join(MISSED);
    disk::make_folders(folder, &mut Vec::new()).map_err(Error::from_make)?;
    let mut text = serde_json::to_vec_pretty(&missed).expect("a record is plain");
    text.push(b'\n');
    netfile::replace_file(&path, &text).map_err(|cause| Error::from_write(&path, cause))?;
    Ok(Outcome::Missed(why))
}

/// What a file of JSON holds, or what is wrong with it.
fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Result<T, String>, Error> {
    let text = netfile::map_file(path).map_err(|cause| Error::from_read(path, cause))?;
    Ok(serde_json::from_slice(&text).map_err(|cause| cause.to_string()))
}

fn refused(path: &Path, cause: &str) -> Error {
    Error::Directory {
        path: path.to_owned(),
        cause: cause.to_owned(),
    }
}
