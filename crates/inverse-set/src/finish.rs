//! The files of a finished run, made from its batches. Nothing here holds more
//! than one batch, or what a contact sheet shows, in memory.

use sampler::{Reservoir, State, figures};

use crate::directory::{Directory, ImageNames};
use crate::finished::Finished;
use crate::grid::{Images, MOST, representatives};
use crate::page::{self, Totals};
use crate::record::{Diversity, Evaluations, Listed, Manifest, SampleRecord, StoredImages};
use crate::samples::{Column, Rows, Sizes};
use crate::{Error, Job};

impl Job {
    /// Writes the files of the finished run, the manifest last.
    pub(crate) fn finish(
        &self,
        files: &Directory,
        sizes: Sizes,
        state: &State,
    ) -> Result<(), Error> {
        let counts = state.counts();
        let (batches, n) = (counts.batches as usize, counts.accepted as usize);
        let samples = files.write_samples(batches, n, sizes)?;
        let names = ImageNames::new(n);
        let as_files = self.record.images == StoredImages::Png;
        if as_files {
            files.write_images(&samples, names)?;
        }
        self.write_grid(files, &samples, state.reservoir())?;
        let record = |i| SampleRecord {
            file: as_files.then(|| names.name(i)),
            activations: samples.floats(Column::Activations, i),
            // Only the last batch may hold fewer.
            batch: i / self.options.batch,
        };
        let total = counts.evaluations();
        let manifest = Manifest {
            version: 1,
            samples: Listed((0..n).map(record)),
            diversity: diversity(state.reservoir()),
            evaluations: Evaluations {
                total,
                per_sample: total / n as f64,
            },
            seeds: files.seeds(sizes)?,
        };
        page::write_run(files, self.finished(&samples), Totals::of(&manifest))?;
        files.write_manifest(&manifest)
    }

    fn finished<'a>(&'a self, samples: &'a Rows) -> Finished<'a> {
        Finished {
            pair: &self.pair,
            run: &self.record,
            options: &self.options,
            samples,
        }
    }

    /// The representatives of the reservoir, in order of the first neuron.
    fn write_grid(
        &self,
        files: &Directory,
        samples: &Rows,
        reservoir: &Reservoir,
    ) -> Result<(), Error> {
        let held = reservoir.samples();
        let chosen = representatives(reservoir.encodings(), held.len(), MOST);
        let mut ranked: Vec<(f32, usize)> = chosen
            .into_iter()
            .map(|row| {
                let sample = held[row] as usize;
                (samples.floats(Column::Activations, sample)[0], sample)
            })
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let chosen = ranked.into_iter().map(|(_, sample)| sample);
        let chosen: Vec<usize> = chosen.collect();
        let bytes = self.finished(samples).images(&chosen)?;
        let images = Images {
            bytes: &bytes,
            shape: samples.sizes().image,
        };
        files.write_grid(images, chosen.len())
    }
}

/// Figures over all samples that the reservoir holds.
fn diversity(reservoir: &Reservoir) -> Diversity {
    let figures = figures::diversity(reservoir.encodings(), reservoir.dim());
    figures.map_or_else(Diversity::default, |figures| Diversity {
        samples: figures.count,
        pair_distance_mean: figures.mean,
        pair_distance_std: figures.std,
        pair_distance_least: figures.least,
        nearest_distance_mean: figures.nearest,
    })
}
