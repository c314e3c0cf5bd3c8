//! What a run tells: events while it goes on, a summary at its end.

use std::path::{Path, PathBuf};

use crate::record::{Extent, Manifest, StoredImages};

/// What a run tells while it goes on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Another process was at work in the directory and may still be: it is
    /// watched for some seconds.
    Waiting {
        /// Who: `process 7 on node1`.
        holder: String,
    },
    /// A step of the seeds.
    Seeds {
        /// Share of the seeds that are in range.
        feasible: f64,
        /// Evaluations so far.
        evaluations: f64,
        /// Least value of each neuron so far.
        least: Vec<f32>,
        /// Greatest value of each neuron so far.
        greatest: Vec<f32>,
    },
    /// A batch was accepted and written.
    Batch {
        /// Samples accepted so far.
        accepted: usize,
        /// Samples asked for.
        wanted: usize,
        /// Evaluations so far.
        evaluations: f64,
    },
    /// All samples are there; the final files are being written.
    Writing,
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It goes on.
    Continue,
    /// It stops; what was accepted is kept.
    Stop,
}

/// What a finished run amounts to; every figure belongs to the images as they
/// were saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The run directory.
    pub directory: PathBuf,
    /// Number of samples.
    pub samples: usize,
    /// In which form their images are stored.
    pub images: StoredImages,
    /// The directory held the finished run already.
    pub already_finished: bool,
    /// Per neuron, the least and greatest activation.
    pub activations: Vec<[f64; 2]>,
    /// Evaluations per sample, accepted and rejected together.
    pub evaluations_per_sample: f64,
    /// How many samples the distances are taken over: all, or a fair selection.
    pub distances_over: usize,
    /// Mean distance of two samples in the encoding.
    pub mean_pair_distance: f64,
    /// Mean distance of a sample to its nearest neighbour in the encoding.
    pub mean_nearest_distance: f64,
}

impl Summary {
    pub(crate) fn new(
        directory: &Path,
        manifest: Manifest<Extent>,
        images: StoredImages,
        already_finished: bool,
    ) -> Summary {
        Summary {
            directory: directory.to_owned(),
            samples: manifest.samples.samples,
            images,
            already_finished,
            activations: manifest.samples.activations,
            evaluations_per_sample: manifest.evaluations.per_sample,
            distances_over: manifest.diversity.samples,
            mean_pair_distance: manifest.diversity.pair_distance_mean,
            mean_nearest_distance: manifest.diversity.nearest_distance_mean,
        }
    }
}
