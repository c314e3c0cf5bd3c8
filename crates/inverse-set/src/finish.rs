//! The files of a finished run, made from its batches. Nothing here holds more
//! than one batch, or what a contact sheet shows, in memory.

use sampler::{Generator as _, HostSpace, Reservoir, Space as _, State, figures};

use crate::directory::{Directory, ImageNames};
use crate::grid::{Images, MOST, representatives};
use crate::record::{Diversity, Evaluations, Listed, Manifest, SampleRecord, StoredImages};
use crate::samples::{Column, Rows, Sizes};
use crate::source::Source;
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
        files.write_manifest(&Manifest {
            version: 1,
            samples: Listed((0..n).map(record)),
            diversity: diversity(state.reservoir()),
            evaluations: Evaluations {
                total,
                per_sample: total / n as f64,
            },
            seeds: files.seeds(sizes)?,
        })
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
        let bytes = match self.record.images {
            StoredImages::None => self.images_again(samples, &chosen)?,
            _ => {
                let image = |&i: &usize| samples.row(Column::Images, i);
                chosen.iter().flat_map(image).copied().collect()
            }
        };
        let images = Images {
            bytes: &bytes,
            shape: samples.sizes().image,
        };
        files.write_grid(images, chosen.len())
    }

    /// Rounded images of some samples, from their codes.
    fn images_again(&self, samples: &Rows, chosen: &[usize]) -> Result<Vec<u8>, Error> {
        let k = self.options.batch;
        let mut source = Source::new(&self.pair, k, self.clamp)?;
        let mut space = HostSpace::new(Vec::new(), Vec::new());
        let mut images = Vec::new();
        for chosen in chosen.chunks(k) {
            let codes = chosen
                .iter()
                .flat_map(|&i| samples.floats(Column::Codes, i));
            let mut bytes = Vec::new();
            source
                .decode(&codes.collect(), chosen.len())
                .and_then(|decoded| space.round(decoded, chosen.len(), &mut bytes).map(drop))
                .map_err(|cause| self.error(cause.into()))?;
            images.append(&mut bytes);
        }
        Ok(images)
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
