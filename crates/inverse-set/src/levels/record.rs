//! `levels.json`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::span::Span;
use super::{Level, Outcome};
use crate::record::{EncoderRecord, NetworkRecord};
use crate::{Error, Neuron};

/// The record's name.
pub(super) const RECORD: &str = "levels.json";

/// The directory of a level.
pub(crate) fn folder(index: usize) -> String {
    format!("level-{index:03}")
}

/// Whether a directory holds levels, finished or not.
pub(crate) fn are_there(directory: &Path) -> bool {
    directory.join(RECORD).exists()
}

/// What was asked for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Asked {
    /// Ends that were to be found are infinite.
    pub neuron: Neuron,
    pub levels: usize,
    pub samples: usize,
    pub seed: u64,
    pub classifier: NetworkRecord,
    pub generator: Option<NetworkRecord>,
    pub encoder: EncoderRecord,
}

/// What the record holds besides.
#[derive(Serialize)]
pub(super) struct Found {
    pub span: Span,
    /// None until all of them are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<Vec<Row>>,
}

/// A level.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub lo: f64,
    pub hi: f64,
    pub samples: usize,
    pub evaluations_per_sample: Option<f64>,
    pub mean_pair_distance: Option<f64>,
    /// Why there are no samples.
    pub missed: Option<String>,
}

impl Row {
    pub(super) fn of(level: &Level) -> Row {
        let (sampled, missed) = match &level.outcome {
            Outcome::Sampled(summary) => (Some(summary), None),
            Outcome::Missed(why) => (None, Some(why.clone())),
        };
        Row {
            lo: level.neuron.lo,
            hi: level.neuron.hi,
            samples: sampled.map_or(0, |summary| summary.samples),
            evaluations_per_sample: sampled.map(|summary| summary.evaluations_per_sample),
            mean_pair_distance: sampled.map(|summary| summary.mean_pair_distance),
            missed,
        }
    }
}

/// The record of levels that are done.
#[derive(Deserialize)]
pub(crate) struct Recorded {
    pub request: Asked,
    /// From low to high.
    #[serde(default)]
    pub levels: Vec<Row>,
}

impl Recorded {
    /// The numbers of the levels that were sampled.
    pub(crate) fn sampled(&self) -> Vec<usize> {
        let rows = self.levels.iter().enumerate();
        rows.filter(|(_, row)| row.samples != 0)
            .map(|(index, _)| index)
            .collect()
    }

    /// Says what is wrong with the record in that directory.
    pub(crate) fn refused(&self, directory: &Path, cause: &str) -> Error {
        refused(directory, cause)
    }
}

fn refused(directory: &Path, cause: &str) -> Error {
    Error::Directory {
        path: directory.join(RECORD),
        cause: cause.to_owned(),
    }
}

/// Reads the record of levels that are done.
///
/// # Errors
/// [`Error::Directory`] where they are unfinished or the file is damaged,
/// [`Error::Io`] where it cannot be read.
pub(crate) fn recorded(directory: &Path) -> Result<Recorded, Error> {
    let recorded = read(directory)?;
    match recorded.levels.is_empty() {
        false => Ok(recorded),
        true => Err(refused(
            directory,
            "holds no levels yet; the command that began them goes on with them",
        )),
    }
}

/// What was asked for, whether it is done or not.
///
/// # Errors
/// [`Error::Directory`] where the file is damaged, [`Error::Io`] where it cannot
/// be read.
pub(crate) fn asked(directory: &Path) -> Result<Asked, Error> {
    Ok(read(directory)?.request)
}

fn read(directory: &Path) -> Result<Recorded, Error> {
    let path = directory.join(RECORD);
    let text = netfile::map_file(&path).map_err(|cause| Error::from_read(&path, cause))?;
    serde_json::from_slice(&text)
        .map_err(|cause| refused(directory, &format!("is damaged ({cause})")))
}

/// The run directories of all levels that were sampled; `None` where there are
/// no levels.
///
/// # Errors
/// Those of [`recorded`].
pub(crate) fn sampled(directory: &Path) -> Result<Option<Vec<PathBuf>>, Error> {
    if !are_there(directory) {
        return Ok(None);
    }
    let sampled = recorded(directory)?.sampled().into_iter();
    Ok(Some(
        sampled.map(|index| directory.join(folder(index))).collect(),
    ))
}
