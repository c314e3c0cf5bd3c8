//! Reference images, sorted by the neurons whose range they lie in.

use sampler::{Failure, Generator as _, HostSpace, Observer as _, Space as _, Wanted};

use super::judge::Judge;
use super::set::ImageSet;
use crate::model::{Classifier, CodeGenerator};
use crate::reference::Reference;
use crate::{Error, Job};

/// Images that classifier and generator work on together.
const BATCH: usize = 32;

/// What the reference images hold for one neuron. Images count from 0: the
/// even-numbered ones are what samples are compared with, the odd-numbered ones
/// what is drawn from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pools {
    /// Even-numbered images in the range, whatever their class.
    pub references: ImageSet,
    /// Odd-numbered images in the range.
    pub dataset: ImageSet,
    /// G(E(x)) of odd-numbered images x, rounded, where it is in the range.
    pub reconstruction: ImageSet,
}

impl Pools {
    /// Pools for every neuron of a job. Reconstructions are made if they are
    /// asked for.
    ///
    /// # Errors
    /// [`Error::Request`] where reconstructions are asked for, and the
    /// generator's codes are no layer of the classifier.
    pub(crate) fn of(
        job: &Job,
        reference: &Reference,
        judge: &mut Judge,
        reconstruct: bool,
    ) -> Result<Vec<Pools>, Error> {
        let classifier = Classifier::new(&job.pair, &job.neurons, &job.encoding, BATCH)?;
        let generator = match reconstruct {
            true => Some(generator(job, &classifier)?),
            false => None,
        };
        let mut sorting = Sorting {
            job,
            classifier,
            generator,
            space: HostSpace::new(Vec::new(), Vec::new()),
            pools: vec![Pools::default(); job.neurons.len()],
        };
        let pixels = reference.pixels();
        for (part, images) in reference.images.chunks(BATCH * pixels).enumerate() {
            let sorted = sorting.sort(images, images.len() / pixels, part * BATCH);
            sorted.map_err(|cause| job.error(cause.into()))?;
        }
        let mut pools = sorting.pools;
        for pool in &mut pools {
            for set in [
                &mut pool.references,
                &mut pool.dataset,
                &mut pool.reconstruction,
            ] {
                (set.features, set.classes) = judge.look(&set.images)?;
            }
        }
        Ok(pools)
    }

    /// All real images in the range.
    pub(crate) fn real(&self) -> ImageSet {
        self.references.and(&self.dataset)
    }
}

fn generator(job: &Job, classifier: &Classifier) -> Result<CodeGenerator, Error> {
    if !classifier.gives_own_codes() {
        return Err(Error::Request(
            "comparing with reconstruction: it needs a generator whose codes are a layer of the classifier; leave it out of --methods".into(),
        ));
    }
    CodeGenerator::new(&job.pair, BATCH, job.clamp)
}

struct Sorting<'a> {
    job: &'a Job,
    classifier: Classifier,
    generator: Option<CodeGenerator>,
    space: HostSpace,
    pools: Vec<Pools>,
}

impl Sorting<'_> {
    /// Sorts `n` images, the first of which has the number `first`, and what
    /// the generator makes of their codes.
    fn sort(&mut self, images: &[u8], n: usize, first: usize) -> Result<(), Failure> {
        let shown = images.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let own_codes = self.look(&shown, images, n, first, |pools, odd| match odd {
            true => Some(&mut pools.dataset),
            false => Some(&mut pools.references),
        })?;
        let (Some(generator), Some(codes)) = (&mut self.generator, own_codes) else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        let decoded = generator.decode(&codes, n)?;
        let rounded = self.space.round(decoded, n, &mut bytes)?.clone();
        self.look(&rounded, &bytes, n, first, |pools, odd| {
            odd.then_some(&mut pools.reconstruction)
        })?;
        Ok(())
    }

    /// Puts every image into the set that `place` names for each neuron whose
    /// range it lies in; gives the images' own codes.
    fn look(
        &mut self,
        shown: &Vec<f32>,
        bytes: &[u8],
        n: usize,
        first: usize,
        place: impl Fn(&mut Pools, bool) -> Option<&mut ImageSet>,
    ) -> Result<Option<Vec<f32>>, Failure> {
        let wanted = Wanted {
            encodings: true,
            own_codes: self.generator.is_some(),
        };
        let look = self.classifier.look(shown, n, wanted)?;
        let encodings = look.encodings.expect("they were wanted");
        let (e, pixels, m) = (encodings.len() / n, bytes.len() / n, self.pools.len());
        for (i, values) in look.values.chunks_exact(m).enumerate() {
            let neurons = self.job.neurons.iter().zip(&mut self.pools);
            for ((neuron, pools), &value) in neurons.zip(values) {
                let inside = (neuron.lo..=neuron.hi).contains(&f64::from(value));
                let Some(set) = place(pools, (first + i) % 2 == 1).filter(|_| inside) else {
                    continue;
                };
                set.count += 1;
                set.images.extend_from_slice(&bytes[i * pixels..][..pixels]);
                set.encodings.extend_from_slice(&encodings[i * e..][..e]);
            }
        }
        Ok(look.own_codes.cloned())
    }
}
