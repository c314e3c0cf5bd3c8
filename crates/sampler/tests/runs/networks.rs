//! A run through a generator and a classifier that are neither linear nor
//! smooth: two dense networks with seeded weights.

use std::ops::ControlFlow;

use sampler::{
    Failure, Generator, HostSpace, Look, Observer, Options, Problem, Sampler, Starts, Wanted,
};

use crate::maps::range;

const CODE: usize = 24;
const HIDDEN: usize = 48;
const PIXELS: usize = 64;
const FEATURES: usize = 32;
const NEURONS: usize = 2;

/// Slope of the leaky rectifiers.
const LEAK: f32 = 0.3;

/// The bar for the demo.
const EVALUATIONS_PER_SAMPLE: f64 = 30.0;

/// A dense layer, and its values and slopes at the last input.
#[derive(Clone)]
struct Dense {
    weights: Vec<f32>,
    inputs: usize,
    outputs: usize,
    rectified: bool,
    values: Vec<f32>,
}

impl Dense {
    /// Weights from a linear congruential generator, with unit gain.
    fn new(inputs: usize, outputs: usize, rectified: bool, seed: u64) -> Dense {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let scale = (6.0 / inputs as f32).sqrt();
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            scale * ((state >> 40) as f32 / (1 << 23) as f32 - 1.0)
        };
        let weights = (0..inputs * outputs).map(|_| next()).collect();
        Dense {
            weights,
            inputs,
            outputs,
            rectified,
            values: Vec::new(),
        }
    }

    fn forward(&mut self, x: &[f32]) -> &[f32] {
        self.values.clear();
        for x in x.chunks_exact(self.inputs) {
            for w in self.weights.chunks_exact(self.inputs) {
                let sum: f32 = w.iter().zip(x).map(|(w, x)| w * x).sum();
                self.values.push(if self.rectified && sum < 0.0 {
                    LEAK * sum
                } else {
                    sum
                });
            }
        }
        &self.values
    }

    fn backward(&self, d_values: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        let rows = d_values
            .chunks_exact(self.outputs)
            .zip(self.values.chunks_exact(self.outputs));
        for (d_values, values) in rows {
            let mut d_x = vec![0.0; self.inputs];
            for ((w, &d), &value) in self
                .weights
                .chunks_exact(self.inputs)
                .zip(d_values)
                .zip(values)
            {
                let d = if self.rectified && value < 0.0 {
                    LEAK * d
                } else {
                    d
                };
                d_x.iter_mut().zip(w).for_each(|(out, w)| *out += d * w);
            }
            out.extend(d_x);
        }
        out
    }
}

/// Code to image: two dense layers and a clamp whose gradient is dropped where
/// it would push a pixel further out.
struct Decoder {
    layers: [Dense; 2],
    raw: Vec<f32>,
    images: Vec<f32>,
    d_codes: Vec<f32>,
}

impl Generator<HostSpace> for Decoder {
    fn decode(&mut self, codes: &Vec<f32>, n: usize) -> Result<&Vec<f32>, Failure> {
        let hidden = self.layers[0].forward(&codes[..n * CODE]).to_vec();
        self.raw = self.layers[1]
            .forward(&hidden)
            .iter()
            .map(|x| 0.5 + 0.2 * x)
            .collect();
        self.images = self.raw.iter().map(|x| x.clamp(0.0, 1.0)).collect();
        Ok(&self.images)
    }

    fn pull(&mut self, d_images: &Vec<f32>) -> Result<&Vec<f32>, Failure> {
        let inward = |(&d, &x): (&f32, &f32)| {
            let outward = (x < 0.0 && d > 0.0) || (x > 1.0 && d < 0.0);
            if outward { 0.0 } else { 0.2 * d }
        };
        let d: Vec<f32> = d_images.iter().zip(&self.raw).map(inward).collect();
        self.d_codes = self.layers[0].backward(&self.layers[1].backward(&d));
        Ok(&self.d_codes)
    }
}

/// Image to features (the encoding) to neurons.
struct Classifier {
    layers: [Dense; 2],
    encodings: Vec<f32>,
    values: Vec<f32>,
    d_images: Vec<f32>,
}

impl Observer<HostSpace> for Classifier {
    fn look(
        &mut self,
        images: &Vec<f32>,
        _n: usize,
        wanted: Wanted,
    ) -> Result<Look<'_, HostSpace>, Failure> {
        self.encodings = self.layers[0].forward(images).to_vec();
        self.values = self.layers[1].forward(&self.encodings).to_vec();
        let encodings = wanted.encodings.then_some(&self.encodings);
        Ok(Look {
            values: &self.values,
            encodings,
            own_codes: None,
        })
    }

    fn pull(&mut self, values: &[f32], encodings: Option<&Vec<f32>>) -> Result<&Vec<f32>, Failure> {
        let mut d = self.layers[1].backward(values);
        for (d, more) in d.iter_mut().zip(encodings.into_iter().flatten()) {
            *d += more;
        }
        self.d_images = self.layers[0].backward(&d);
        Ok(&self.d_images)
    }
}

#[test]
fn a_clamped_and_rectified_pair() {
    let decoder = Decoder {
        layers: [
            Dense::new(CODE, HIDDEN, true, 1),
            Dense::new(HIDDEN, PIXELS, false, 2),
        ],
        raw: Vec::new(),
        images: Vec::new(),
        d_codes: Vec::new(),
    };
    let classifier = Classifier {
        layers: [
            Dense::new(PIXELS, FEATURES, true, 3),
            Dense::new(FEATURES, NEURONS, false, 4),
        ],
        encodings: Vec::new(),
        values: Vec::new(),
        d_images: Vec::new(),
    };
    let all = |x: f32| vec![x; CODE];
    let (lower, upper) = (all(0.0), all(8.0));
    let samples = 60;
    let problem = Problem {
        ranges: vec![range(0.5, 0.6), range(-0.3, -0.2)],
        starts: Starts::new(all(0.5), all(1.0), lower.clone(), upper.clone()).unwrap(),
        samples,
    };
    let space = HostSpace::new(lower, upper);
    let mut sampler =
        Sampler::new(space, decoder, classifier, problem, Options::default()).unwrap();
    let mut accepted = 0;
    while let Some(batch) = sampler
        .next_batch(&mut |_| ControlFlow::Continue(()))
        .unwrap()
    {
        for sample in &batch.samples {
            assert!((0.5..=0.6).contains(&sample.activations[0]));
            assert!((-0.3..=-0.2).contains(&sample.activations[1]));
        }
        accepted += batch.samples.len() as u64;
    }
    assert_eq!(accepted, samples);
    let per_sample = sampler.state().counts().evaluations() / samples as f64;
    assert!(per_sample <= EVALUATIONS_PER_SAMPLE, "{per_sample}");
}
