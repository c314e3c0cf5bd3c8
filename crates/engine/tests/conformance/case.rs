//! One op, run by the engine and by the reference.

use std::sync::LazyLock;

use engine::{Buffer, Cpu, Device, Instructions, Network, NodeId, Plan, reference};
use netfile::{Dtype, NetworkFile, Op};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::compare::{Tolerance, compare};
use crate::single_op::{self, Weight};

/// A way to run an op.
pub(crate) struct Way {
    pub(crate) name: String,
    /// Whether it uses Winograd's transforms.
    pub(crate) transformed: bool,
    /// The same work by one and by two threads, or twice on a device without.
    pub(crate) devices: [Device; 2],
}

/// The CPU with every instruction set, without and with Winograd's transforms.
pub(crate) static ON_CPU: LazyLock<Vec<Way>> = LazyLock::new(|| {
    let device = |winograd, instructions, threads| {
        let cpu = Cpu {
            threads: Some(threads),
            instructions,
            winograd,
        };
        Device::new(cpu).expect("two threads")
    };
    let ways = [false, true].into_iter().flat_map(|transformed| {
        let sets = Instructions::available().into_iter();
        sets.map(move |set| Way {
            name: format!("{set:?}, Winograd {transformed}"),
            transformed,
            devices: [1, 2].map(|n| device(transformed, set, n)),
        })
    });
    ways.collect()
});

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
    /// The same where Winograd's transforms are used; `None` for an op or a
    /// shape that has no use for them.
    pub(crate) transformed: Option<Tolerance>,
    /// Numbers of samples to run, the greatest last.
    pub(crate) batches: &'static [usize],
}

impl Case {
    /// Compares output and input gradients with the reference at every batch,
    /// those of one thread with those of two in a plan for the greatest batch,
    /// and the output of a sample in a small batch with its output in the
    /// greatest; and all that in every way to run the op.
    pub(crate) fn check(&self, ways: &[Way]) -> Result<(), String> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed(&self.name));
        let file = self.file(&mut rng);
        let network = |device| Network::load(&file, device).map_err(|error| error.to_string());
        let len = |network: &Network, node| network.shape(node).len();
        let any = network(&ways[0].devices[0])?;
        let (x_len, y_len) = (len(&any, NodeId::INPUT), len(&any, any.output()));
        let greatest = *self.batches.last().expect("a batch to run");
        let x = ladder(greatest * x_len, &mut rng);
        let dy = uniform(greatest * y_len, &mut rng);
        let part = |n: usize| (&x[..n * x_len], &dy[..n * y_len]);
        let expected: Vec<Outcome> = self
            .batches
            .iter()
            .map(|&n| Outcome::of_reference(&file, part(n).0, part(n).1, n))
            .collect();
        for way in ways {
            let tolerance = match (way.transformed, self.transformed) {
                (true, None) => continue,
                (true, Some(tolerance)) => tolerance,
                (false, _) => self.tolerance,
            };
            let [one, two] = [network(&way.devices[0])?, network(&way.devices[1])?];
            let whole = Outcome::of_engine(&one, &x, &dy, greatest);
            for (&n, expected) in self.batches.iter().zip(&expected) {
                let wrong =
                    |what: &dyn std::fmt::Display| format!("{n} samples, {}: {what}", way.name);
                let (x, dy) = part(n);
                let found = Outcome::of_engine(&one, x, dy, n);
                found
                    .compare(expected, &one, tolerance)
                    .map_err(|difference| wrong(&difference))?;
                let of_two = Outcome::of_plan_for(greatest, &two, x, dy, n);
                if !same_bits(&found.y, &of_two.y) || !same_bits(&found.dx, &of_two.dx) {
                    return Err(wrong(&"two threads or a larger plan change the result"));
                }
                if !same_bits(&found.y, &whole.y[..n * y_len])
                    || !same_bits(&found.dx, &whole.dx[..n * x_len])
                {
                    return Err(wrong(&"further samples change the result"));
                }
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

/// What a network computes, widened.
pub(crate) struct Outcome {
    /// The last layer's activation.
    pub(crate) y: Vec<f64>,
    /// Gradient of `<dy, y>` with respect to the network's input.
    pub(crate) dx: Vec<f64>,
}

impl Outcome {
    /// Runs the engine on fresh buffers, which are filled with NaN.
    pub(crate) fn of_engine(network: &Network, x: &[f32], dy: &[f32], n: usize) -> Outcome {
        Outcome::of_plan_for(n, network, x, dy, n)
    }

    /// The same in a plan for `batch` samples or more.
    fn of_plan_for(batch: usize, network: &Network, x: &[f32], dy: &[f32], n: usize) -> Outcome {
        let output = network.output();
        let all: Vec<NodeId> = network.nodes().collect();
        let mut plan = Plan::new(network, batch, &all).expect("little memory");
        plan.input_mut().write(n, x);
        plan.forward(n);
        let buffer = |node: NodeId| {
            let device = network.device();
            let buffer = device.buffer(n, network.shape(node));
            buffer.expect("little memory")
        };
        let mut gradients: Vec<Buffer> = network.nodes().map(buffer).collect();
        for gradient in &mut gradients {
            gradient.fill(n, 0.0);
        }
        gradients[output.index()].write(n, dy);
        for node in network.nodes().rev() {
            let inputs = network.inputs(node);
            if inputs.is_empty() {
                continue;
            }
            let mut dx: Vec<Buffer> = inputs.iter().map(|&input| buffer(input)).collect();
            let mut dx_refs: Vec<&mut Buffer> = dx.iter_mut().collect();
            let dy = &mut gradients[node.index()];
            plan.backward(node, n, dy, &mut dx_refs, [false; 2]);
            for (input, dx) in inputs.iter().zip(&dx) {
                gradients[input.index()].add(n, dx);
            }
        }
        let read = |buffer: &Buffer| widen(&buffer.read(n).expect("the device works"));
        Outcome {
            y: read(plan.activation(output)),
            dx: read(&gradients[NodeId::INPUT.index()]),
        }
    }

    /// Runs the reference.
    pub(crate) fn of_reference(file: &NetworkFile, x: &[f32], dy: &[f32], n: usize) -> Outcome {
        let mut activations = reference::forward(file, &widen(x), n);
        let output = activations.len() - 1;
        let dx = reference::gradient(file, &activations, &[(output, widen(dy))], n);
        Outcome {
            y: activations.swap_remove(output),
            dx,
        }
    }

    /// Compares both parts; the network tells their shapes.
    pub(crate) fn compare(
        &self,
        expected: &Outcome,
        network: &Network,
        tolerance: Tolerance,
    ) -> Result<(), String> {
        let shape = |node| network.shape(node).dims();
        let (y, x) = (shape(network.output()), shape(NodeId::INPUT));
        compare("y", y, &self.y, &expected.y, tolerance)?;
        compare("dx", x, &self.dx, &expected.dx, tolerance)
    }
}

pub(crate) fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    let bits = |v: &f64| v.to_bits();
    a.iter().map(bits).eq(b.iter().map(bits))
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
