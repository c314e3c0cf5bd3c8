//! A finished run: what its directory holds, and the networks that made it.

use std::path::Path;

use engine::NodeId;
use sampler::{Options, Reservoir};
use serde::Deserialize as _;

use crate::directory::{Directory, SAMPLES_FILE};
use crate::neuron::Shown;
use crate::pair::{Loaded, Pair};
use crate::record::{Extent, Manifest, NetworkRecord, Run, StoredImages};
use crate::samples::{Column, Rows};
use crate::source::Source;
use crate::{Clamp, Error, Expression, Neuron};

/// A finished run and its networks.
#[derive(Clone, Copy)]
pub(crate) struct Finished<'a> {
    pub pair: &'a Pair,
    pub run: &'a Run,
    pub options: &'a Options,
    pub samples: &'a Rows,
}

impl Finished<'_> {
    /// The rounded images of some samples, one after the other; where none are
    /// stored the generator makes them again from the codes.
    pub(crate) fn images(&self, chosen: &[usize]) -> Result<Vec<u8>, Error> {
        if self.run.images != StoredImages::None {
            let image = |&i: &usize| self.samples.row(Column::Images, i);
            return Ok(chosen.iter().flat_map(image).copied().collect());
        }
        let k = self.options.batch;
        // Nothing is pulled back, so that any clamp does.
        let mut source = Source::new(self.pair, k, Clamp::default())?;
        let mut images = Vec::new();
        for chosen in chosen.chunks(k) {
            let codes = chosen
                .iter()
                .flat_map(|&i| self.samples.floats(Column::Codes, i));
            images.append(&mut source.images(&codes.collect(), chosen.len())?);
        }
        Ok(images)
    }

    /// The samples among which figures of all pairs are taken, as the sampler
    /// held them at its end.
    pub(crate) fn reservoir(&self) -> Reservoir {
        let mut reservoir = Reservoir::new(self.options.reservoir);
        for i in 0..self.samples.count() {
            let encoding = self.samples.floats(Column::Encodings, i);
            reservoir.offer(self.options.seed, &encoding);
        }
        reservoir
    }
}

/// What the directory of a finished run holds.
pub(crate) struct Saved {
    pub files: Directory,
    pub run: Run,
    pub options: Options,
    pub manifest: Manifest<Extent>,
    pub samples: Rows,
}

impl Saved {
    /// Reads a directory and checks that the networks are those of its run.
    ///
    /// # Errors
    /// [`Error::Directory`] where there is no finished run or a file is damaged,
    /// [`Error::Io`] for a file that cannot be read, [`Error::Request`] for other
    /// networks.
    pub(crate) fn open(path: &Path, pair: &Pair) -> Result<Saved, Error> {
        let (files, run) = Directory::of_finished(path)?;
        same_network(path, &run.classifier, Some(&pair.classifier), "classifier")?;
        if let (Some(generator), StoredImages::None) = (&run.generator, run.images) {
            same_network(path, generator, pair.generator.as_ref(), "generator")?;
        }
        check_neurons(&run, pair).map_err(|cause| files.damaged_record(&cause))?;
        let options = Options::deserialize(&run.sampler)
            .map_err(|cause| cause.to_string())
            .and_then(|options| match options.check() {
                Ok(()) => Ok(options),
                Err(cause) => Err(cause.to_string()),
            })
            .map_err(|cause| files.damaged_record(&cause))?;
        let manifest = files.manifest()?;
        let image = pair.classifier.network.shape(NodeId::INPUT).planes();
        let image = image.ok_or_else(|| files.damaged_record("its classifier takes no images"))?;
        let stored = run.images != StoredImages::None;
        let samples = files.read_samples(image, run.neurons.len(), stored)?;
        let saved = Saved {
            files,
            run,
            options,
            manifest,
            samples,
        };
        match saved.fault() {
            Some(cause) => Err(saved.files.damaged(SAMPLES_FILE, cause)),
            None => Ok(saved),
        }
    }

    pub(crate) fn finished<'a>(&'a self, pair: &'a Pair) -> Finished<'a> {
        Finished {
            pair,
            run: &self.run,
            options: &self.options,
            samples: &self.samples,
        }
    }

    /// What is wrong with the samples.
    fn fault(&self) -> Option<&'static str> {
        let samples = &self.samples;
        if samples.count() == 0 || samples.count() != self.manifest.samples.samples {
            return Some("not as many samples as the manifest lists");
        }
        let finite = (0..samples.count()).all(|i| {
            let numbers = [Column::Activations, Column::Encodings];
            let numbers = numbers.map(|column| samples.floats(column, i));
            numbers.iter().flatten().all(|number| number.is_finite())
        });
        (!finite).then_some("numbers that are not finite")
    }
}

/// Checks that a network is the one of the record, byte for byte.
pub(crate) fn same_network(
    path: &Path,
    record: &NetworkRecord,
    found: Option<&Loaded>,
    part: &str,
) -> Result<(), Error> {
    if found.is_some_and(|found| found.file.sha256() == record.sha256) {
        return Ok(());
    }
    let found = match found {
        Some(found) => format!("not with {}", Shown(&found.file.description().name)),
        None => format!("and no {part} is given"),
    };
    let (run, NetworkRecord { name, file, sha256 }) = (path.display().to_string(), record);
    let (run, name, file, sha256) = (Shown(&run), Shown(name), Shown(file), Shown(sha256));
    Err(Error::Request(format!(
        "{run}: was made with {name} ({file}, sha256 {sha256}), {found}; choose it with --pair or --{part}"
    )))
}

/// Checks that the neurons are what their texts mean in the classifier.
pub(crate) fn check_neurons(run: &Run, pair: &Pair) -> Result<(), String> {
    if run.neurons.is_empty() {
        return Err("no neuron".to_owned());
    }
    let Loaded { file, network, .. } = &pair.classifier;
    for neuron in &run.neurons {
        let text = format!("{}:{}={}", neuron.layer, neuron.unit, neuron.range());
        let resolved = text
            .parse::<Expression>()
            .and_then(|expression| Neuron::resolve(&expression, &text, file, network))
            .map_err(|cause| cause.to_string())?;
        if resolved != *neuron {
            return Err(format!("{neuron} is {resolved} in its classifier"));
        }
    }
    Ok(())
}
