//! Each layer with weights by itself, forward and backward.

use engine::{Buffer, Device, Network, NodeId, Plan};
use netfile::{Dtype, Layer, NetworkFile, Op};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::full_size::{self, Row};
use crate::machine::Limits;
use crate::median_ms;

pub(crate) fn run(device: &Device, k: usize, weights: Dtype, limits: Limits) {
    println!(
        "\nK = {k}; of the limit: whichever of arithmetic (done directly) and memory is nearer"
    );
    println!("layer          ms  GFLOP/s  GB/s  of limit |      ms  GFLOP/s  GB/s  of limit");
    for row in full_size::generator()
        .into_iter()
        .chain(full_size::classifier())
    {
        let [forward, backward] = times(device, &row, k, weights);
        print!("{:8}", row.name);
        for ms in [forward, backward] {
            let flops = (row.flops * k) as f64 / 1e9;
            let bytes = bytes(&row, k, weights) / 1e9;
            let least = (flops / limits.gflops).max(bytes / limits.gb_per_s);
            let seconds = ms / 1e3;
            print!(
                " {ms:8.2} {:8.0} {:5.0} {:8.0} %{}",
                flops / seconds,
                bytes / seconds,
                100.0 * least / seconds,
                if ms == forward { " |" } else { "\n" }
            );
        }
    }
}

/// Weights, data and results, each moved once.
fn bytes(row: &Row, k: usize, weights: Dtype) -> f64 {
    let weight: usize = row.weight.iter().product();
    let size = match row.op {
        Op::InnerProduct(_) => weights.size(),
        _ => 4,
    };
    let places = row.flops / 2 / weight;
    let outputs = match &row.op {
        Op::InnerProduct(a) => a.outputs,
        Op::TransposedConvolution(a) => a.outputs * places * a.stride[0] * a.stride[1],
        Op::Convolution(a) => a.outputs * places,
        _ => unreachable!("a row has weights"),
    };
    let data = row.input.iter().product::<usize>() + outputs;
    (weight * size + 4 * k * data) as f64
}

fn times(device: &Device, row: &Row, k: usize, weights: Dtype) -> [f64; 2] {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let dtype = match row.op {
        Op::InnerProduct(_) => weights,
        _ => Dtype::F32,
    };
    let tensors = full_size::tensors(row, dtype, &mut random);
    let layer = Layer::new(row.name, row.op.clone(), &["data"]);
    let description = full_size::description(row.name, &row.input, vec![layer]);
    let bytes = netfile::to_bytes(&description, &tensors).expect("a valid network");
    let file = NetworkFile::from_bytes(bytes).expect("what was just written");
    let network = Network::load(&file, device).expect("room for a layer");
    let output = network.output();
    let mut plan = Plan::new(&network, k, &[output]).expect("room for a layer");
    let wave = |values: &mut [f32]| {
        let value = |(i, value): (usize, &mut f32)| *value = (i as f32 * 0.7).sin();
        values.iter_mut().enumerate().for_each(value);
    };
    wave(plan.input_mut().stored_mut(k));
    let forward = median_ms(9, || plan.forward(k));
    let mut dy = Buffer::new(k, network.shape(output));
    wave(dy.stored_mut(k));
    let mut dx = Buffer::new(k, network.shape(NodeId::INPUT));
    let backward = median_ms(9, || {
        plan.backward(output, k, &mut dy, &mut [&mut dx], [false; 2]);
    });
    [forward, backward]
}
