//! Verifies finished runs: looks at the images as they were saved, computes
//! every activation again, and holds both to what the directory says.

mod images;
mod sample;

use std::path::{Path, PathBuf};

use engine::NodeId;
use netfile::FileSource;

use crate::directory::{Directory, MANIFEST, RUN, SAMPLES_FILE};
use crate::encoding::Encoding;
use crate::finished::{check_neurons, same_network};
use crate::model::{Classifier, failed};
use crate::neuron::Shown;
use crate::pair::Pair;
use crate::record::{Manifest, NetworkRecord, Run, SampleRecord, StoredImages};
use crate::samples::Rows;
use crate::{Error, Neuron, atlas, compare, levels};
use images::Images;
use sample::Checks;

/// Images that the classifier looks at together.
const BATCH: usize = 16;

/// Most samples that do not hold which are named.
const MOST_FAULTS: usize = 10;

/// A finished run directory, to be verified.
pub struct FinishedRun {
    path: PathBuf,
    files: Directory,
    record: Run,
    /// As the manifest lists them.
    told: Vec<SampleRecord>,
}

/// What was found in a run directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// In which form the run stores images; of those that it does not store,
    /// others were made of the codes.
    pub images: StoredImages,
    /// Number of samples.
    pub samples: usize,
    /// Samples of which something does not hold.
    pub failing: usize,
    /// The first of them, at most ten.
    pub faults: Vec<Fault>,
    /// How far inside of their ranges the neurons are, in the run's order.
    pub margins: Vec<Margin>,
}

/// A sample that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its file in the run directory, or its place in one.
    pub sample: String,
    /// What does not hold.
    pub cause: String,
}

/// How far inside of its range a neuron is.
#[derive(Clone, Debug, PartialEq)]
pub struct Margin {
    /// The neuron with its range.
    pub neuron: Neuron,
    /// The least distance of a recomputed activation from the nearest end of
    /// the range, negative outside of it; infinite where no image could be read.
    pub least: f64,
    /// The sample with that distance.
    pub worst: Option<String>,
}

/// The run directories at `path`: those of its levels, from low to high, or of
/// the neurons of an atlas, in its order; else the directory itself.
///
/// # Errors
/// [`Error::Directory`] where levels are unfinished, or nothing of an atlas is
/// gathered; [`Error::Io`] where their record cannot be read.
pub fn finished_runs(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let sampled = match levels::sampled(path)? {
        Some(levels) => Some(levels),
        None => atlas::sampled(path)?,
    };
    Ok(sampled.unwrap_or_else(|| vec![path.to_owned()]))
}

/// The networks without which saved results cannot be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Needed {
    /// The classifier that was used.
    pub classifier: NetworkRecord,
    /// The generator, where images were not stored and have to be made again.
    pub generator: Option<NetworkRecord>,
}

impl Needed {
    /// What the run, the levels, the atlas or the comparison in a directory needs.
    ///
    /// # Errors
    /// Those of [`FinishedRun::open`] and [`finished_runs`];
    /// [`Error::Directory`] for a comparison that is unfinished.
    pub fn of(directory: &Path) -> Result<Needed, Error> {
        if compare::is_one(directory) {
            return Ok(Needed {
                classifier: compare::Stored::open(directory)?.setup.run.classifier,
                generator: None,
            });
        }
        match finished_runs(directory)?.first() {
            Some(run) => Ok(FinishedRun::open(run)?.needed()),
            None => Err(Error::Directory {
                path: directory.to_owned(),
                cause: "holds no level or neuron that was sampled".to_owned(),
            }),
        }
    }
}

impl NetworkRecord {
    /// Whether that file is the one which was used.
    pub fn is(&self, file: &FileSource) -> bool {
        file.open()
            .is_ok_and(|bytes| netfile::sha256(&bytes) == self.sha256)
    }
}

impl FinishedRun {
    /// Reads what the run says of itself: a few hundred bytes of every sample
    /// are in memory from then on.
    ///
    /// # Errors
    /// [`Error::Directory`] where there is no finished run or its files do not
    /// fit together, [`Error::Io`] where one cannot be read.
    pub fn open(path: &Path) -> Result<FinishedRun, Error> {
        let (files, record) = Directory::of_finished(path)?;
        let Manifest { samples: told, .. } = files.manifest::<Vec<SampleRecord>>()?;
        if told.len() != record.samples {
            let cause = format!("{} samples, {RUN} says {}", told.len(), record.samples);
            return Err(files.damaged(MANIFEST, &cause));
        }
        let neurons = record.neurons.len();
        if let Some(i) = told
            .iter()
            .position(|told| told.activations.len() != neurons)
        {
            let found = told[i].activations.len();
            let cause = format!("{found} activations of sample {i}, expected {neurons}");
            return Err(files.damaged(MANIFEST, &cause));
        }
        if neurons == 0 || told.is_empty() {
            return Err(files.damaged(RUN, "no neurons or no samples"));
        }
        Ok(FinishedRun {
            path: path.to_owned(),
            files,
            record,
            told,
        })
    }

    /// The networks that its images can be looked at with.
    pub fn needed(&self) -> Needed {
        let made_again = self.record.images == StoredImages::None;
        Needed {
            classifier: self.record.classifier.clone(),
            generator: self.record.generator.clone().filter(|_| made_again),
        }
    }

    /// Looks at every image and computes its activations again. A sample holds
    /// if its image is the one that was accepted and equal to no other, if every
    /// activation lies in its closed range, and if the stored ones differ from
    /// it by at most `1e-4 max(1, |z|)`. `watch` hears of how many samples of
    /// how many were looked at. Encodings and what is derived from them are not
    /// looked at.
    ///
    /// # Errors
    /// [`Error::Request`] for networks other than those of the run, and what
    /// opening these can fail with; [`Error::Directory`] for files that do not
    /// fit them.
    pub fn verify(
        &self,
        pair: &Pair,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Verified, Error> {
        let stored = self.fit(pair)?;
        let mut images = Images::new(self, pair, &stored)?;
        let neurons = &self.record.neurons;
        let mut classifier = Classifier::new(pair, neurons, &Encoding::Pixels, BATCH)?;
        let (mut checks, count) = (Checks::new(self, &stored), self.told.len());
        for first in (0..count).step_by(BATCH) {
            let chosen = first..count.min(first + BATCH);
            let read = images.read(chosen.clone())?;
            let bytes: Vec<u8> = read.iter().flatten().flatten().copied().collect();
            let readable = read.iter().flatten().count();
            let values = match readable {
                0 => &[][..],
                n => classifier.measure(&bytes, n).map_err(failed)?,
            };
            let mut values = values.chunks_exact(neurons.len());
            for (i, image) in chosen.zip(&read) {
                match image {
                    Err(cause) => checks.fails(i, cause.clone()),
                    Ok(image) => {
                        let values = values.next().expect("one row for each image");
                        checks.add(i, image, values, images.note());
                    }
                }
            }
            watch(count.min(first + BATCH), count);
        }
        Ok(checks.finish())
    }

    /// Holds the networks to the record, and reads the samples.
    fn fit(&self, pair: &Pair) -> Result<Rows, Error> {
        let Run {
            classifier,
            generator,
            neurons,
            images,
            ..
        } = &self.record;
        let path = &self.path;
        same_network(path, classifier, Some(&pair.classifier), "classifier")?;
        match (&pair.generator, generator) {
            (Some(used), Some(record)) => same_network(path, record, Some(used), "generator")?,
            (Some(_), None) => {
                let run = path.display().to_string();
                let what = "was made without a generator; leave it out";
                return Err(Error::Request(format!("{}: {what}", Shown(&run))));
            }
            (None, _) => {}
        }
        let damaged = |cause: &str| self.files.damaged(RUN, cause);
        check_neurons(&self.record, pair).map_err(|cause| damaged(&cause))?;
        let image = pair.classifier.network.shape(NodeId::INPUT).planes();
        let image = image.ok_or_else(|| damaged("its classifier takes no images"))?;
        let stored = *images != StoredImages::None;
        let samples = self.files.read_samples(image, neurons.len(), stored)?;
        let (found, expected) = (samples.count(), self.told.len());
        if found == expected {
            return Ok(samples);
        }
        let cause = format!("{found} samples, expected {expected}");
        Err(self.files.damaged(SAMPLES_FILE, &cause))
    }
}
