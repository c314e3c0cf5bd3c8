//! What has to hold of one sample.

use std::collections::HashMap;

use sampler::fnv1a;

use super::{Fault, FinishedRun, MOST_FAULTS, Margin, Verified};
use crate::directory::{ImageNames, MANIFEST, SAMPLES_FILE};
use crate::record::StoredImages;
use crate::samples::{Column, Rows};

/// How far a stored activation may be from a recomputed one `z`, in units of
/// `max(1, |z|)`.
const TOLERANCE: f64 = 1e-4;

/// What was found so far.
pub(super) struct Checks<'a> {
    run: &'a FinishedRun,
    stored: &'a Rows,
    /// By hash, the first sample with that image.
    seen: HashMap<u64, usize>,
    found: Verified,
}

impl<'a> Checks<'a> {
    pub(super) fn new(run: &'a FinishedRun, stored: &'a Rows) -> Checks<'a> {
        let margin = |neuron: &crate::Neuron| Margin {
            neuron: neuron.clone(),
            least: f64::INFINITY,
            worst: None,
        };
        Checks {
            run,
            stored,
            seen: HashMap::new(),
            found: Verified {
                images: run.record.images,
                samples: run.told.len(),
                failing: 0,
                faults: Vec::new(),
                margins: run.record.neurons.iter().map(margin).collect(),
            },
        }
    }

    /// A sample that does not hold.
    pub(super) fn fails(&mut self, i: usize, cause: String) {
        self.found.failing += 1;
        if self.found.faults.len() < MOST_FAULTS {
            let sample = self.name(i);
            self.found.faults.push(Fault { sample, cause });
        }
    }

    /// A sample whose image gives these activations; `note` is added where the
    /// image is another one.
    pub(super) fn add(&mut self, i: usize, image: &[u8], values: &[f32], note: &str) {
        for (j, &value) in values.iter().enumerate() {
            let margin = &self.found.margins[j];
            let (value, neuron) = (f64::from(value), &margin.neuron);
            let inside = (value - neuron.lo).min(neuron.hi - value);
            // Nothing is worse than no number.
            if inside.is_nan() && !margin.least.is_nan() || inside < margin.least {
                let worst = Some(self.name(i));
                let margin = &mut self.found.margins[j];
                (margin.least, margin.worst) = (inside, worst);
            }
        }
        let fault = self.image_fault(i, image, note).or_else(|| {
            let mut columns = values.iter().enumerate();
            columns.find_map(|(j, &value)| self.value_fault(i, j, value))
        });
        if let Some(cause) = fault {
            self.fails(i, cause);
        }
    }

    fn image_fault(&mut self, i: usize, image: &[u8], note: &str) -> Option<String> {
        let hash = fnv1a(image);
        let first = *self.seen.entry(hash).or_insert(i);
        if first != i {
            return Some(format!("is the same image as {}", self.name(first)));
        }
        if hash != self.stored.hash(i) {
            return Some(format!("is not the image that was accepted{note}"));
        }
        let stored = self.stored.bytes(Column::Images);
        if !stored.is_empty() && self.stored.row(Column::Images, i) != image {
            return Some(format!("is not the image in {SAMPLES_FILE}"));
        }
        let (told, expected) = (&self.run.told[i].file, self.file(i));
        if *told != expected {
            let said = |file: &Option<String>| file.clone().unwrap_or("no file".into());
            return Some(format!(
                "is {} in {MANIFEST}, expected {}",
                said(told),
                said(&expected)
            ));
        }
        None
    }

    /// Written so that what is no number does not hold.
    fn value_fault(&self, i: usize, j: usize, value: f32) -> Option<String> {
        let neuron = &self.run.record.neurons[j];
        let value = f64::from(value);
        if !(neuron.lo..=neuron.hi).contains(&value) {
            return Some(format!("{neuron} is {value:.6}, not in {}", neuron.range()));
        }
        let most = TOLERANCE * value.abs().max(1.0);
        let stored = self.stored.floats(Column::Activations, i)[j];
        let told = self.run.told[i].activations[j];
        [(SAMPLES_FILE, stored), (MANIFEST, told)]
            .into_iter()
            .find(|&(_, said)| !(0.0..=most).contains(&(f64::from(said) - value).abs()))
            .map(|(file, said)| format!("{neuron} is {value:.6}, {file} says {said:.6}"))
    }

    /// The file of a sample's image, where images are files.
    fn file(&self, i: usize) -> Option<String> {
        let as_files = self.run.record.images == StoredImages::Png;
        as_files.then(|| ImageNames::new(self.run.told.len()).name(i))
    }

    fn name(&self, i: usize) -> String {
        self.file(i)
            .unwrap_or_else(|| format!("{SAMPLES_FILE}[{i}]"))
    }

    pub(super) fn finish(self) -> Verified {
        self.found
    }
}
