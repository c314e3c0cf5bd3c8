//! `--check`: what storing the weights in 16 bits does to activations.

use anyhow::Result;
use engine::{Device, Network, NodeId, Plan};
use netfile::{CodeSpace, Description, Dtype, NetworkFile};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};

use super::tensors::Converted;

/// Random inputs that are compared.
const INPUTS: usize = 4;

/// The layer whose activations move most, and by how much of its greatest
/// activation; the same of the last layer.
pub(super) struct Shift {
    pub(super) greatest: (String, f32),
    pub(super) last: (String, f32),
}

/// Runs the network with weights as `dtype` and as F32.
pub(super) fn measure(
    description: &Description,
    tensors: &[Converted<'_>],
    dtype: Dtype,
) -> Result<Shift> {
    let mut exact = run(description, tensors, Dtype::F32)?;
    let mut rounded = run(description, tensors, dtype)?;
    exact.forward(INPUTS);
    rounded.forward(INPUTS);
    let shifts = (1..).zip(&description.layers).map(|(index, layer)| {
        let node = exact
            .network()
            .nodes()
            .nth(index)
            .expect("layer i is node i");
        let of = |plan: &Plan| plan.activation(node).read(INPUTS);
        let (exact, rounded) = (of(&exact)?, of(&rounded)?);
        Ok((layer.name.clone(), shift(&exact, &rounded)))
    });
    let shifts: Vec<(String, f32)> = shifts.collect::<Result<_>>()?;
    let greatest = shifts.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    Ok(Shift {
        greatest: greatest.expect("a network has layers").clone(),
        last: shifts.last().expect("a network has layers").clone(),
    })
}

/// A plan of every layer, with the input filled.
fn run(description: &Description, tensors: &[Converted<'_>], dtype: Dtype) -> Result<Plan> {
    let tensors: Vec<_> = tensors
        .iter()
        .map(|tensor| tensor.stored_as(dtype))
        .collect();
    let file = NetworkFile::from_bytes(netfile::to_bytes(description, &tensors)?)?;
    let network = Network::load(&file, &Device::cpu(None)?)?;
    let nodes: Vec<NodeId> = network.nodes().collect();
    let mut plan = Plan::new(&network, INPUTS, &nodes)?;
    let mut input = vec![0.0; INPUTS * plan.input_mut().sample_len()];
    fill(&file, &mut input)?;
    plan.input_mut().write(INPUTS, &input);
    Ok(plan)
}

/// Starting codes for a generator, noise of independent pixels for a network
/// that takes images, normal numbers for any other.
fn fill(file: &NetworkFile, input: &mut [f32]) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let description = file.description();
    let len = input.len() / INPUTS;
    if description.code.is_some() {
        let [lower, upper, mean, std] = [
            CodeSpace::LOWER,
            CodeSpace::UPPER,
            CodeSpace::MEAN,
            CodeSpace::STD,
        ]
        .map(|name| file.floats(name));
        let (lower, upper, mean, std) = (lower?, upper?, mean?, std?);
        for (i, value) in input.iter_mut().enumerate() {
            let unit = i % len;
            let normal: f32 = StandardNormal.sample(&mut random);
            *value = (mean[unit] + std[unit] * normal).clamp(lower[unit], upper[unit]);
        }
    } else if let Some(image) = &description.image {
        let plane = len / image.channels.count();
        for (i, value) in input.iter_mut().enumerate() {
            let channel = i % len / plane;
            let pixel: f32 = StandardUniform.sample(&mut random);
            *value = (pixel * image.scale - image.mean[channel]) / image.std[channel];
        }
    } else {
        input.fill_with(|| StandardNormal.sample(&mut random));
    }
    Ok(())
}

fn shift(exact: &[f32], rounded: &[f32]) -> f32 {
    let greatest = exact.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let shifts = exact.iter().zip(rounded).map(|(a, b)| (a - b).abs());
    let shift = shifts.fold(0.0_f32, f32::max);
    if shift == 0.0 { 0.0 } else { shift / greatest }
}
