//! What every op means, in plain f64 loops.
//!
//! This module is the definition that the fast paths are tested against. It is
//! slow on purpose and shares no code with them, not even the rules for sizes.
//! A linear op is written once, as the list of its terms: read one way they
//! are the forward pass, read the other way the gradient. Every other op is a
//! pair of functions. The semantics are Caffe's.

mod elementwise;
mod linear;
mod normalise;
mod pool;
mod shape;
#[cfg(test)]
mod tests;

use netfile::{EltwiseOperation, NetworkFile, Op, PoolMethod};

/// Runs a whole network in f64 on `n` samples. Returns every node's activation,
/// row-major and sample after sample; node 0 is the input, layer `i` is node
/// `i + 1`.
///
/// # Panics
/// Where `input` does not hold `n` samples, or the file does not fit its graph.
pub fn forward(file: &NetworkFile, input: &[f64], n: usize) -> Vec<Vec<f64>> {
    let layers = layers(file);
    let len: usize = file.description().input.shape.iter().product();
    assert_eq!(input.len(), n * len, "{n} samples of the input");
    let mut activations = vec![input.to_vec()];
    for layer in &layers {
        let y = (0..n)
            .flat_map(|sample| layer.forward(&layer.inputs_of(&activations, sample)))
            .collect();
        activations.push(y);
    }
    activations
}

/// Gradient with respect to the input of the sum, over all `(node, cotangent)`,
/// of `<cotangent, activation of the node>`. `activations` are those of
/// [`forward`] for the same `n` samples.
///
/// # Panics
/// Where a cotangent is not as long as its node's activation.
pub fn gradient(
    file: &NetworkFile,
    activations: &[Vec<f64>],
    cotangents: &[(usize, Vec<f64>)],
    n: usize,
) -> Vec<f64> {
    let mut gradients: Vec<Vec<f64>> = activations.iter().map(|a| vec![0.0; a.len()]).collect();
    for (node, cotangent) in cotangents {
        add(&mut gradients[*node], cotangent);
    }
    for (i, layer) in layers(file).iter().enumerate().rev() {
        let dy = std::mem::take(&mut gradients[i + 1]);
        for sample in 0..n {
            let x = layer.inputs_of(activations, sample);
            let dx = layer.gradient(&x, piece(&dy, &layer.y, sample));
            for ((&node, shape), dx) in layer.inputs.iter().zip(&layer.x).zip(&dx) {
                let len = size(shape);
                add(&mut gradients[node][sample * len..][..len], dx);
            }
        }
    }
    gradients.swap_remove(0)
}

/// A layer with its sizes and weights; for one sample.
struct Layer<'a> {
    op: &'a Op,
    /// The nodes that it reads.
    inputs: Vec<usize>,
    /// Shapes of its inputs.
    x: Vec<Vec<usize>>,
    /// Shape of its output.
    y: Vec<usize>,
    name: &'a str,
    file: &'a NetworkFile,
}

impl Layer<'_> {
    fn inputs_of<'b>(&self, activations: &'b [Vec<f64>], sample: usize) -> Vec<&'b [f64]> {
        let nodes = self.inputs.iter().zip(&self.x);
        nodes
            .map(|(&node, shape)| piece(&activations[node], shape, sample))
            .collect()
    }

    /// The layer's tensor of that name.
    fn tensor(&self, suffix: &str) -> Vec<f64> {
        let values = self.file.floats(&format!("{}.{suffix}", self.name));
        let values = values.expect("the file holds the layer's tensors");
        values.into_iter().map(f64::from).collect()
    }

    fn forward(&self, x: &[&[f64]]) -> Vec<f64> {
        match self.op {
            Op::Relu(a) => elementwise::relu(a, x[0]),
            Op::Sigmoid => elementwise::sigmoid(x[0]),
            Op::Tanh => elementwise::tanh(x[0]),
            Op::Lrn(a) => normalise::lrn(a, &self.x[0], x[0]),
            Op::Softmax => normalise::softmax(&self.x[0], x[0]),
            Op::Pool(a) if a.method == PoolMethod::Max => pool::maximum(a, self, x[0]),
            Op::Eltwise(a) => match a.operation {
                EltwiseOperation::Product => elementwise::product(x),
                EltwiseOperation::Max => elementwise::maximum(x),
                EltwiseOperation::Sum => linear::forward(self, x),
            },
            _ => linear::forward(self, x),
        }
    }

    fn gradient(&self, x: &[&[f64]], dy: &[f64]) -> Vec<Vec<f64>> {
        match self.op {
            Op::Relu(a) => vec![elementwise::relu_gradient(a, x[0], dy)],
            Op::Sigmoid => vec![elementwise::sigmoid_gradient(x[0], dy)],
            Op::Tanh => vec![elementwise::tanh_gradient(x[0], dy)],
            Op::Lrn(a) => vec![normalise::lrn_gradient(a, &self.x[0], x[0], dy)],
            Op::Softmax => vec![normalise::softmax_gradient(&self.x[0], x[0], dy)],
            Op::Pool(a) if a.method == PoolMethod::Max => {
                vec![pool::maximum_gradient(a, self, x[0], dy)]
            }
            Op::Eltwise(a) => match a.operation {
                EltwiseOperation::Product => elementwise::product_gradient(x, dy),
                EltwiseOperation::Max => elementwise::maximum_gradient(x, dy),
                EltwiseOperation::Sum => linear::gradient(self, dy),
            },
            _ => linear::gradient(self, dy),
        }
    }
}

fn layers(file: &NetworkFile) -> Vec<Layer<'_>> {
    let description = file.description();
    let mut names = vec![description.input.name.as_str()];
    let mut shapes = vec![description.input.shape.clone()];
    let mut layers = Vec::new();
    for layer in &description.layers {
        let inputs: Vec<usize> = layer
            .inputs
            .iter()
            .map(|input| {
                let node = names.iter().position(|name| name == input);
                node.expect("a layer reads earlier nodes")
            })
            .collect();
        let x: Vec<Vec<usize>> = inputs.iter().map(|&node| shapes[node].clone()).collect();
        let y = shape::output(&layer.op, &x);
        names.push(&layer.name);
        shapes.push(y.clone());
        layers.push(Layer {
            op: &layer.op,
            inputs,
            x,
            y,
            name: &layer.name,
            file,
        });
    }
    layers
}

fn size(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// One sample's values of a node.
fn piece<'a>(values: &'a [f64], shape: &[usize], sample: usize) -> &'a [f64] {
    &values[sample * size(shape)..][..size(shape)]
}

fn add(sum: &mut [f64], values: &[f64]) {
    assert_eq!(sum.len(), values.len(), "length of a gradient");
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}
