//! Observers with known answers, over pixel space.

use sampler::{
    Batch, Error, Failure, HostSpace, Identity, Look, Observer, Options, Problem, Range, Sample,
    Sampler, Starts, Wanted,
};
use std::ops::ControlFlow;

/// A neuron whose value and gradient are known exactly.
#[derive(Clone)]
pub(crate) enum Neuron {
    /// `w . x`
    Linear(Vec<f32>),
    /// `scale ||x - centre||^2`
    Quadratic(Vec<f32>, f32),
}

impl Neuron {
    /// Its value at an image, in f64.
    pub(crate) fn value(&self, x: &[f32]) -> f64 {
        let pairs = |w: &[f32], term: fn(f64, f64) -> f64| -> f64 {
            w.iter()
                .zip(x)
                .map(|(&w, &x)| term(f64::from(w), f64::from(x)))
                .sum()
        };
        match self {
            Neuron::Linear(w) => pairs(w, |w, x| w * x),
            Neuron::Quadratic(centre, scale) => {
                f64::from(*scale) * pairs(centre, |centre, x| (x - centre).powi(2))
            }
        }
    }

    fn add_gradient(&self, x: &[f32], factor: f32, out: &mut [f32]) {
        match self {
            Neuron::Linear(w) => out
                .iter_mut()
                .zip(w)
                .for_each(|(out, w)| *out += factor * w),
            Neuron::Quadratic(centre, scale) => {
                for ((out, c), x) in out.iter_mut().zip(centre).zip(x) {
                    *out += factor * scale * 2.0 * (x - c);
                }
            }
        }
    }
}

/// Neurons over images of `pixels` numbers, encoded as they are.
#[derive(Clone)]
pub(crate) struct Maps {
    neurons: Vec<Neuron>,
    pixels: usize,
    /// Where own codes lie: every image's own code is this image.
    manifold: Option<Vec<f32>>,
    images: Vec<f32>,
    values: Vec<f32>,
    own: Vec<f32>,
    d_images: Vec<f32>,
}

impl Maps {
    pub(crate) fn new(neurons: Vec<Neuron>, pixels: usize) -> Maps {
        let none = Vec::new;
        Maps {
            neurons,
            pixels,
            manifold: None,
            images: none(),
            values: none(),
            own: none(),
            d_images: none(),
        }
    }

    pub(crate) fn with_manifold(mut self, point: Vec<f32>) -> Maps {
        self.manifold = Some(point);
        self
    }
}

impl Observer<HostSpace> for Maps {
    fn gives_own_codes(&self) -> bool {
        self.manifold.is_some()
    }

    fn look(
        &mut self,
        images: &Vec<f32>,
        n: usize,
        wanted: Wanted,
    ) -> Result<Look<'_, HostSpace>, Failure> {
        assert_eq!(images.len(), n * self.pixels);
        self.images.clone_from(images);
        let values = images
            .chunks_exact(self.pixels)
            .flat_map(|x| self.neurons.iter().map(|neuron| neuron.value(x) as f32));
        self.values = values.collect();
        if let Some(point) = &self.manifold {
            self.own = point.repeat(n);
        }
        Ok(Look {
            values: &self.values,
            encodings: wanted.encodings.then_some(&self.images),
            own_codes: (wanted.own_codes && self.manifold.is_some()).then_some(&self.own),
        })
    }

    fn pull(&mut self, values: &[f32], encodings: Option<&Vec<f32>>) -> Result<&Vec<f32>, Failure> {
        self.d_images = match encodings {
            Some(encodings) => encodings.clone(),
            None => vec![0.0; self.images.len()],
        };
        let rows = self.d_images.chunks_exact_mut(self.pixels);
        for ((d, x), cotangents) in rows
            .zip(self.images.chunks_exact(self.pixels))
            .zip(values.chunks_exact(self.neurons.len()))
        {
            for (neuron, &factor) in self.neurons.iter().zip(cotangents) {
                neuron.add_gradient(x, factor, d);
            }
        }
        Ok(&self.d_images)
    }
}

/// Everything that a test says.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) maps: Maps,
    pub(crate) ranges: Vec<Range>,
    pub(crate) pixels: usize,
    pub(crate) samples: u64,
    pub(crate) options: Options,
}

/// A range, of which the test knows that it is valid.
pub(crate) fn range(lo: f64, hi: f64) -> Range {
    Range::new(lo, hi).expect("a valid range")
}

/// `n` weights of both signs and of sizes from 0.2 to 1.
pub(crate) fn weights(n: usize, salt: usize) -> Vec<f32> {
    let size = |k: usize| 0.2 + 0.8 * ((k * 37 + salt * 11) % 17) as f32 / 16.0;
    (0..n)
        .map(|k| {
            if (k + salt).is_multiple_of(3) {
                -size(k)
            } else {
                size(k)
            }
        })
        .collect()
}

impl World {
    pub(crate) fn new(neurons: Vec<(Neuron, Range)>, pixels: usize, samples: u64) -> World {
        let (neurons, ranges) = neurons.into_iter().unzip();
        let maps = Maps::new(neurons, pixels);
        World {
            maps,
            ranges,
            pixels,
            samples,
            options: Options::default(),
        }
    }

    pub(crate) fn problem(&self) -> Problem {
        let all = |x: f32| vec![x; self.pixels];
        let starts = Starts::new(all(0.5), all(0.3), all(0.0), all(1.0)).expect("valid starts");
        Problem {
            ranges: self.ranges.clone(),
            starts,
            samples: self.samples,
        }
    }

    pub(crate) fn space(&self) -> HostSpace {
        HostSpace::new(vec![0.0; self.pixels], vec![1.0; self.pixels])
    }

    pub(crate) fn sampler(&self) -> Result<Sampler<HostSpace, Identity, Maps>, Error> {
        let (space, generator) = (self.space(), Identity::new(self.pixels));
        Sampler::new(
            space,
            generator,
            self.maps.clone(),
            self.problem(),
            self.options.clone(),
        )
    }

    /// All batches, and the evaluations they took.
    pub(crate) fn run(&self) -> Result<(Vec<Batch>, f64), Error> {
        let mut sampler = self.sampler()?;
        let mut batches = Vec::new();
        while let Some(batch) = sampler.next_batch(&mut |_| ControlFlow::Continue(()))? {
            batches.push(batch);
        }
        Ok((batches, sampler.state().counts().evaluations()))
    }

    /// Runs, and checks what every run promises: the number of samples, the
    /// ranges as computed anew from the stored bytes, and no two equal images.
    pub(crate) fn run_and_verify(&self) -> (Vec<Sample>, f64) {
        let (batches, evaluations) = self.run().expect("the run succeeds");
        let samples: Vec<Sample> = batches
            .into_iter()
            .flat_map(|batch| batch.samples)
            .collect();
        assert_eq!(samples.len() as u64, self.samples);
        let mut images: Vec<&[u8]> = Vec::new();
        for sample in &samples {
            assert!(sample.code.iter().all(|c| (0.0..=1.0).contains(c)));
            let x: Vec<f32> = sample.image.iter().map(|&b| f32::from(b) / 255.0).collect();
            for (j, range) in self.ranges.iter().enumerate() {
                let value = self.maps.neurons[j].value(&x);
                assert!(
                    (range.lo()..=range.hi()).contains(&value),
                    "{value} in {range:?}"
                );
                assert_eq!(sample.activations[j], value as f32);
            }
            images.push(&sample.image);
        }
        images.sort_unstable();
        assert!(
            images.windows(2).all(|pair| pair[0] != pair[1]),
            "two equal images"
        );
        (samples, evaluations)
    }
}
