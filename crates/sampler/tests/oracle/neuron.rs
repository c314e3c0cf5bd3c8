//! The linear-logistic neuron `sigma(w.x + c)`, as an observer of pixel space.

use sampler::{Failure, HostSpace, Look, Observer, Wanted};

use crate::polytope::{Polytope, dot};

/// What the observer reports as the neuron's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// `w.x + c`
    Logit,
    /// `1 / (1 + exp(-(w.x + c)))`
    Sigmoid,
}

/// One neuron over images that are encoded as they are.
#[derive(Clone)]
pub(crate) struct LinearLogistic {
    pub(crate) weights: Vec<f64>,
    pub(crate) bias: f64,
    scale: Scale,
    images: Vec<f32>,
    values: Vec<f32>,
    d_images: Vec<f32>,
}

impl LinearLogistic {
    pub(crate) fn new(weights: Vec<f64>, bias: f64, scale: Scale) -> LinearLogistic {
        LinearLogistic {
            weights,
            bias,
            scale,
            images: Vec::new(),
            values: Vec::new(),
            d_images: Vec::new(),
        }
    }

    /// Its value at an image, on its own scale.
    pub(crate) fn value(&self, x: &[f64]) -> f64 {
        let logit = dot(&self.weights, x) + self.bias;
        match self.scale {
            Scale::Logit => logit,
            Scale::Sigmoid => sigmoid(logit),
        }
    }

    /// The inverse set of `z1 <= sigma(w.x + c) <= z2`, whatever the scale:
    /// the sigmoid is strictly increasing.
    pub(crate) fn inverse_set(&self, z1: f64, z2: f64) -> Polytope {
        Polytope {
            weights: self.weights.clone(),
            lo: logit(z1) - self.bias,
            hi: logit(z2) - self.bias,
        }
    }

    /// The derivative of the value by the logit, in f32 as networks compute it
    /// from the value.
    fn slope(&self, value: f32) -> f32 {
        match self.scale {
            Scale::Logit => 1.0,
            Scale::Sigmoid => value * (1.0 - value),
        }
    }
}

impl Observer<HostSpace> for LinearLogistic {
    fn look(
        &mut self,
        images: &Vec<f32>,
        _n: usize,
        wanted: Wanted,
    ) -> Result<Look<'_, HostSpace>, Failure> {
        self.images.clone_from(images);
        let rows = images.chunks_exact(self.weights.len());
        self.values = rows.map(|x| self.value(&widened(x)) as f32).collect();
        Ok(Look {
            values: &self.values,
            encodings: wanted.encodings.then_some(&self.images),
            own_codes: None,
        })
    }

    fn pull(&mut self, values: &[f32], encodings: Option<&Vec<f32>>) -> Result<&Vec<f32>, Failure> {
        let mut d_images = encodings
            .cloned()
            .unwrap_or_else(|| vec![0.0; self.images.len()]);
        let rows = d_images.chunks_exact_mut(self.weights.len());
        for ((row, &d_value), &value) in rows.zip(values).zip(&self.values) {
            let d_logit = d_value * self.slope(value);
            for (d, &w) in row.iter_mut().zip(&self.weights) {
                *d += d_logit * w as f32;
            }
        }
        self.d_images = d_images;
        Ok(&self.d_images)
    }
}

/// `1 / (1 + exp(-logit))`.
pub(crate) fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// The inverse of [`sigmoid`]; infinite at 0 and 1.
pub(crate) fn logit(z: f64) -> f64 {
    (z / (1.0 - z)).ln()
}

/// The same numbers in f64.
pub(crate) fn widened(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

#[test]
fn the_logit_undoes_the_sigmoid_and_is_infinite_at_both_ends() {
    for z in [1e-9, 0.2, 0.5, 0.999, 0.99999] {
        assert!((sigmoid(logit(z)) - z).abs() <= 1e-15, "{z}");
    }
    assert_eq!((logit(0.0), logit(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
}

#[test]
fn what_is_pulled_is_the_derivative_on_either_scale() {
    let (x, h) = ([0.25, 0.75, 0.5], 1e-6);
    let wanted = Wanted {
        encodings: false,
        own_codes: false,
    };
    for scale in [Scale::Logit, Scale::Sigmoid] {
        let mut neuron = LinearLogistic::new(vec![1.5, -0.5, 0.25], 0.3, scale);
        neuron
            .look(&x.map(|x| x as f32).to_vec(), 1, wanted)
            .unwrap();
        let pulled = neuron.pull(&[2.0], None).unwrap().clone();
        for k in 0..x.len() {
            let moved = |h: f64| {
                let mut x = x;
                x[k] += h;
                neuron.value(&x)
            };
            let slope = 2.0 * (moved(h) - moved(-h)) / (2.0 * h);
            assert!(
                (f64::from(pulled[k]) - slope).abs() <= 1e-6,
                "{scale:?} {k}"
            );
        }
    }
}
