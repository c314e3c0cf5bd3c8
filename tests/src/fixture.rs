//! Whole networks with every layer planned, held against the f64 reference.

use autograd::Gradient;
use engine::{Device, Network, NodeId, Plan, reference};
use netfile::NetworkFile;

use crate::{committed, compare, distance_from_kinks, normal, widen};

/// Activations of a whole network in f32.
pub const ACTIVATION: f64 = 1e-5;
/// Gradients of a whole network in f32, away from kinks.
pub const GRADIENT: f64 = 1e-4;
/// No pre-activation of a gradient's fixture is closer to a kink.
const KINK: f64 = 1e-4;
/// Seeds that are tried for such a fixture.
const TRIES: u64 = 4000;

/// A committed network on a device, with a plan that keeps every layer.
pub struct Fixture {
    /// What it was loaded from.
    pub file: NetworkFile,
    /// The network on its device.
    pub network: Network,
    /// Buffers of every layer.
    pub plan: Plan,
}

/// One sample that lies away from every kink.
pub struct Smooth {
    /// The network's input.
    pub input: Vec<f32>,
    /// The f64 activation of every node.
    pub activations: Vec<Vec<f64>>,
}

impl Fixture {
    /// `weights/<pair>/<part>.safetensors` on the CPU.
    ///
    /// # Panics
    /// If the network cannot be loaded or planned.
    pub fn new(pair: &str, part: &str, batch: usize, threads: usize) -> Fixture {
        let device = Device::cpu(Some(threads)).unwrap_or_else(|error| panic!("{error}"));
        Fixture::on(&device, pair, part, batch)
    }

    /// The same on any device.
    ///
    /// # Panics
    /// As [`Fixture::new`].
    pub fn on(device: &Device, pair: &str, part: &str, batch: usize) -> Fixture {
        let file = committed(pair, part);
        let network = Network::load(&file, device).unwrap_or_else(|error| panic!("{error}"));
        let all: Vec<NodeId> = network.nodes().collect();
        let plan = Plan::new(&network, batch, &all).unwrap_or_else(|error| panic!("{error}"));
        Fixture {
            file,
            network,
            plan,
        }
    }

    /// Shape of one sample of every node.
    pub fn shapes(&self) -> Vec<Vec<usize>> {
        let shape = |node| self.network.shape(node).dims().to_vec();
        self.network.nodes().map(shape).collect()
    }

    /// The activations of every node for `n` samples.
    ///
    /// # Panics
    /// If the device fails.
    pub fn forward(&mut self, input: &[f32], n: usize) -> Vec<Vec<f32>> {
        self.plan.input_mut().write(n, input);
        self.plan.forward(n);
        let activation = |node| {
            let read = self.plan.activation(node).read(n);
            read.unwrap_or_else(|error| panic!("{error}"))
        };
        self.network.nodes().map(activation).collect()
    }

    /// A plausible input: codes are not negative, pixels are spread about 0.
    pub fn input(&self, seed: u64, n: usize) -> Vec<f32> {
        let len = n * self.network.shape(NodeId::INPUT).len();
        let input = normal(seed, 0.3, 1.0, len);
        match self.file.description().code {
            Some(_) => input.into_iter().map(|v| v.max(0.0)).collect(),
            None => input,
        }
    }

    /// One sample that lies away from every kink. The f32 activations choose
    /// among the seeds, the f64 ones decide.
    ///
    /// # Panics
    /// If no seed gives one.
    pub fn away_from_kinks(&mut self) -> Smooth {
        let shapes = self.shapes();
        for seed in 0..TRIES {
            let input = self.input(seed, 1);
            let found: Vec<Vec<f64>> = self.forward(&input, 1).iter().map(|a| widen(a)).collect();
            if distance_from_kinks(&self.file, &shapes, &found) <= KINK {
                continue;
            }
            let activations = reference::forward(&self.file, &widen(&input), 1);
            if distance_from_kinks(&self.file, &shapes, &activations) > KINK {
                return Smooth { input, activations };
            }
        }
        panic!("{TRIES} seeds gave no input away from every kink");
    }

    /// Holds the activations of every node to those of the reference.
    ///
    /// # Errors
    /// Names the first node that differs.
    pub fn check_activations(&mut self, n: usize) -> Result<(), String> {
        let input = self.input(7, n);
        let expected = reference::forward(&self.file, &widen(&input), n);
        self.compare_activations(&input, n, &expected)
    }

    fn compare_activations(
        &mut self,
        input: &[f32],
        n: usize,
        expected: &[Vec<f64>],
    ) -> Result<(), String> {
        let found = self.forward(input, n);
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            compare(&format!("node {i}"), found, expected, ACTIVATION)?;
        }
        Ok(())
    }

    /// Holds the activations of a smooth sample to those of the reference, and so
    /// the gradient from three layers at once, relative to its greatest magnitude.
    ///
    /// # Errors
    /// Says where it differs, or what the device says.
    pub fn check_gradient(&mut self, at: &Smooth) -> Result<(), String> {
        self.compare_activations(&at.input, 1, &at.activations)?;
        let output = self.network.output();
        let nth = |i| {
            self.network
                .nodes()
                .nth(i)
                .expect("the output is behind it")
        };
        let sources = [output, nth(output.index() / 2), nth(output.index() - 2)];
        let text = |error: engine::Error| error.to_string();
        let mut gradient = Gradient::new(&self.plan, &sources).map_err(text)?;
        let mut cotangents = Vec::new();
        for (seed, &node) in sources.iter().enumerate() {
            let len = self.network.shape(node).len();
            let cotangent = normal(seed as u64, 0.0, 1.0, len);
            gradient.cotangent(node, 1).write(1, &cotangent);
            cotangents.push((node.index(), widen(&cotangent)));
        }
        let found = gradient.pull(&self.plan, 1).read(1).map_err(text)?;
        let expected = reference::gradient(&self.file, &at.activations, &cotangents, 1);
        compare_scaled("the gradient", &found, &expected, GRADIENT)
    }
}

/// As [`compare`], relative to the greatest magnitude that is expected, however
/// small it is.
///
/// # Errors
/// Says where it differs.
pub fn compare_scaled(
    what: &str,
    found: &[f32],
    expected: &[f64],
    tolerance: f64,
) -> Result<(), String> {
    let scale = expected.iter().fold(0.0f64, |scale, v| scale.max(v.abs()));
    let found: Vec<f32> = found
        .iter()
        .map(|&v| (f64::from(v) / scale) as f32)
        .collect();
    let expected: Vec<f64> = expected.iter().map(|v| v / scale).collect();
    compare(what, &found, &expected, tolerance)
}
