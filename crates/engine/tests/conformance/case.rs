//! One op, run by the engine and by the reference.

use std::sync::LazyLock;

use engine::{Buffer, Device, Network, NodeId, Plan, reference};
use netfile::{Dtype, NetworkFile, Op};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::compare::{Tolerance, compare};
use crate::single_op::{self, Weight};

/// The same work by one and by two threads.
static DEVICES: LazyLock<[Device; 2]> =
    LazyLock::new(|| [1, 2].map(|threads| Device::cpu(Some(threads)).expect("two threads")));

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) op: Op,
    /// Shapes of one sample.
    pub(crate) inputs: Vec<Vec<usize>>,
    /// How the weights are stored.
    pub(crate) dtype: Dtype,
    /// Of the output and of every input gradient.
    pub(crate) tolerance: Tolerance,
    /// Numbers of samples to run, the greatest last.
    pub(crate) batches: &'static [usize],
}

impl Case {
    /// Compares output and input gradients with the reference at every batch,
    /// those of one thread with those of two, and the output of a sample in a
    /// small batch with its output in the greatest.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed(&self.name));
        let file = self.file(&mut rng);
        let networks = DEVICES
            .each_ref()
            .map(|device| Network::load(&file, device).map_err(|error| error.to_string()));
        let [one, two] = networks;
        let (one, two) = (one?, two?);
        let greatest = *self.batches.last().expect("a batch to run");
        let x = ladder(greatest * one.shape(NodeId::INPUT).len(), &mut rng);
        let dy = uniform(greatest * one.shape(one.output()).len(), &mut rng);
        let whole = Run::of(&one, &x, &dy, greatest);
        for &n in self.batches {
            let x = &x[..n * one.shape(NodeId::INPUT).len()];
            let dy = &dy[..n * one.shape(one.output()).len()];
            let run = Run::of(&one, x, dy, n);
            let expected = Expected::of(&file, x, dy, n);
            let batch = |what: &str| format!("{what} of {n} samples");
            let shape = one.shape(one.output()).dims();
            let y = widen(&run.y);
            compare(&batch("y"), shape, &y, &expected.y, self.tolerance)?;
            let shape = one.shape(NodeId::INPUT).dims();
            let dx = widen(&run.dx);
            compare(&batch("dx"), shape, &dx, &expected.dx, self.tolerance)?;
            if run != Run::of(&two, x, dy, n) {
                return Err(batch("one thread and two threads differ in the result"));
            }
            if run.y[..] != whole.y[..run.y.len()] {
                return Err(batch("the batch changes y"));
            }
        }
        Ok(())
    }

    fn file(&self, rng: &mut ChaCha8Rng) -> NetworkFile {
        let weights: Vec<Weight> = single_op::tensors(&self.op, &self.inputs)
            .into_iter()
            .map(|(suffix, shape)| {
                let mut values = uniform(shape.iter().product(), rng);
                if suffix == "variance" {
                    values.iter_mut().for_each(|v| *v = 0.1 + v.abs());
                }
                Weight {
                    suffix: suffix.to_owned(),
                    shape,
                    values,
                }
            })
            .collect();
        single_op::network(&self.op, &self.inputs, &weights, self.dtype)
    }
}

/// What the engine computes.
#[derive(PartialEq)]
pub(crate) struct Run {
    /// The last layer's activation.
    pub(crate) y: Vec<f32>,
    /// Gradient of `<dy, y>` with respect to the network's input.
    pub(crate) dx: Vec<f32>,
}

impl Run {
    /// Runs a network on fresh buffers, which are filled with NaN.
    pub(crate) fn of(network: &Network, x: &[f32], dy: &[f32], n: usize) -> Run {
        let output = network.output();
        let mut plan = Plan::new(network, n, &[output]).expect("little memory");
        plan.input_mut().samples_mut(n).copy_from_slice(x);
        plan.forward(n);
        let buffer = |node: NodeId| Buffer::new(n, network.shape(node).len());
        let mut gradients: Vec<Buffer> = network.nodes().map(buffer).collect();
        for gradient in &mut gradients {
            gradient.samples_mut(n).fill(0.0);
        }
        gradients[output.index()].samples_mut(n).copy_from_slice(dy);
        for node in network.nodes().rev().filter(|&node| node != NodeId::INPUT) {
            let inputs = network.inputs(node);
            let mut dx: Vec<Buffer> = inputs.iter().map(|&input| buffer(input)).collect();
            let mut dx_refs: Vec<&mut Buffer> = dx.iter_mut().collect();
            plan.backward(node, n, &gradients[node.index()], &mut dx_refs);
            for (input, dx) in inputs.iter().zip(&dx) {
                let sum = gradients[input.index()].samples_mut(n);
                for (sum, dx) in sum.iter_mut().zip(dx.samples(n)) {
                    *sum += dx;
                }
            }
        }
        Run {
            y: plan.activation(output).samples(n).to_vec(),
            dx: gradients[0].samples(n).to_vec(),
        }
    }
}

/// What the reference computes.
pub(crate) struct Expected {
    pub(crate) y: Vec<f64>,
    pub(crate) dx: Vec<f64>,
}

impl Expected {
    pub(crate) fn of(file: &NetworkFile, x: &[f32], dy: &[f32], n: usize) -> Expected {
        let mut activations = reference::forward(file, &widen(x), n);
        let output = activations.len() - 1;
        let dx = reference::gradient(file, &activations, &[(output, widen(dy))], n);
        Expected {
            y: activations.swap_remove(output),
            dx,
        }
    }
}

pub(crate) fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Evenly spaced values between -2 and 2 in random order: no two are near each
/// other and none is near 0, so that no rounding error reaches a kink or a tie.
fn ladder(len: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let step = 4.0 / len as f32;
    let mut values: Vec<f32> = (0..len).map(|i| (i as f32 + 0.5) * step - 2.0).collect();
    // An odd number of steps has one in the middle.
    values.iter_mut().for_each(|v| {
        if v.abs() < step / 4.0 {
            *v = step / 4.0;
        }
    });
    values.shuffle(rng);
    values
}

fn uniform(len: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// FNV-1a.
fn seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
