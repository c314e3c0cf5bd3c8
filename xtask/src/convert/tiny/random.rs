//! Layers with random weights.

use netfile::{Convolution, Description, Dtype, Op, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

use crate::convert::graph::{Graph, inner_product};

/// A network in memory.
pub(super) struct Draft {
    pub(super) description: Description,
    pub(super) tensors: Vec<TensorData>,
}

/// A graph whose layers get their weights as they are added. Weights are
/// normal with a variance of 2 / fan-in (He et al. 2015), biases normal with a
/// standard deviation of 0.1.
pub(super) struct Random {
    pub(super) graph: Graph,
    pub(super) tensors: Vec<TensorData>,
    random: ChaCha8Rng,
}

impl Random {
    pub(super) fn new(graph: Graph, seed: u64) -> Random {
        Random {
            graph,
            tensors: Vec::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Adds a convolution of `channels` channels.
    pub(super) fn convolution(
        &mut self,
        name: &str,
        channels: usize,
        op: Convolution,
        dtype: Dtype,
    ) {
        let [h, w] = op.kernel;
        let shape = vec![op.outputs, channels / op.groups, h, w];
        let fan_in = shape[1..].iter().product::<usize>();
        self.weights(name, shape, fan_in as f32, op.outputs, dtype);
        self.center(name, fan_in);
        self.graph.then(name, Op::Convolution(op));
    }

    /// Adds a transposed convolution of `channels` channels.
    pub(super) fn transposed(
        &mut self,
        name: &str,
        channels: usize,
        op: Convolution,
        dtype: Dtype,
    ) {
        let [h, w] = op.kernel;
        let shape = vec![channels, op.outputs / op.groups, h, w];
        let taps = (channels / op.groups * h * w) as f32;
        let fan_in = taps / (op.stride[0] * op.stride[1]) as f32;
        self.weights(name, shape, fan_in, op.outputs, dtype);
        self.graph.then(name, Op::TransposedConvolution(op));
    }

    /// Adds an inner product of `inputs` values.
    pub(super) fn inner_product(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
        dtype: Dtype,
    ) {
        self.weights(name, vec![outputs, inputs], inputs as f32, outputs, dtype);
        self.center(name, inputs);
        self.graph.then(name, inner_product(outputs));
    }

    /// Adds a tensor of one number per channel, normal around `mean`.
    pub(super) fn channels(&mut self, name: &str, channels: usize, mean: f32, std: f32) {
        let mut values = self.normal(channels, std);
        values.iter_mut().for_each(|value| *value += mean);
        self.push(name.into(), vec![channels], values, Dtype::F32);
    }

    /// Multiplies a tensor that has been added.
    pub(super) fn multiply(&mut self, name: &str, factor: f32) {
        self.values(name)
            .iter_mut()
            .for_each(|value| *value *= factor);
    }

    fn weights(
        &mut self,
        layer: &str,
        shape: Vec<usize>,
        fan_in: f32,
        outputs: usize,
        dtype: Dtype,
    ) {
        let weight = self.normal(shape.iter().product(), (2.0 / fan_in).sqrt());
        self.push(format!("{layer}.weight"), shape, weight, dtype);
        self.channels(&format!("{layer}.bias"), outputs, 0.0, 0.1);
    }

    /// Takes the mean off the `fan_in` weights of each output. Otherwise what
    /// rectified inputs have in common drowns what differs between images.
    fn center(&mut self, layer: &str, fan_in: usize) {
        let values = self.values(&format!("{layer}.weight"));
        for row in values.chunks_exact_mut(fan_in) {
            let mean = row.iter().sum::<f32>() / fan_in as f32;
            row.iter_mut().for_each(|value| *value -= mean);
        }
    }

    fn values(&mut self, name: &str) -> &mut [f32] {
        let tensor = self.tensors.iter_mut().find(|tensor| tensor.name == name);
        &mut tensor.expect("the tensor has been added").values
    }

    fn normal(&mut self, len: usize, std: f32) -> Vec<f32> {
        let draw = |_| {
            let value: f32 = StandardNormal.sample(&mut self.random);
            std * value
        };
        (0..len).map(draw).collect()
    }

    fn push(&mut self, name: String, shape: Vec<usize>, values: Vec<f32>, dtype: Dtype) {
        self.tensors.push(TensorData {
            name,
            dtype,
            shape,
            values,
        });
    }
}
