//! Each layer of a pair by itself, forward and backward.

use std::path::Path;

use engine::{Buffer, Device, Network, NodeId, Plan};
use netfile::{Description, Layer, NetworkFile, Op, TensorData};

use crate::full_size::description;
use crate::machine::Limits;
use crate::median_ms;

pub(crate) fn run(device: &Device, pair: &Path, k: usize, limits: Limits, only: Option<&str>) {
    println!(
        "\nK = {k}; of the limit: whichever of arithmetic (done directly) and memory is nearer"
    );
    println!("layer          ms  GFLOP/s  GB/s  of limit |      ms  GFLOP/s  GB/s  of limit");
    let mut total = [0.0; 2];
    for part in ["generator", "classifier"] {
        let file = pair.join(part).with_extension("safetensors");
        let file = NetworkFile::open(&file).expect("a network file");
        let network = Network::load(&file, device).expect("room for a network");
        for (i, layer) in file.description().layers.iter().enumerate() {
            // A rectifier is measured with the layer that applies it.
            if let Op::Relu(_) | Op::Dropout | Op::Reshape(_) = layer.op {
                continue;
            }
            if only.is_some_and(|only| only != layer.name) {
                continue;
            }
            let row = Row::new(&file, &network, i);
            let times = row.times(device, k);
            row.print(k, times, limits);
            total = [total[0] + times[0], total[1] + times[1]];
        }
    }
    println!("{:8} {:8.2} {:36.2}", "all", total[0], total[1]);
}

/// A network of one layer, with its rectifier if it has one.
struct Row {
    name: String,
    file: NetworkFile,
    /// Multiplications and additions of one sample when done directly.
    flops: usize,
    /// Bytes of the weights as they are stored.
    stored: usize,
    /// Values of a sample's input and output.
    moved: usize,
}

impl Row {
    /// Of layer `i` of a network that is a chain.
    fn new(file: &NetworkFile, network: &Network, i: usize) -> Row {
        let Description { layers, .. } = file.description();
        let layer = &layers[i];
        let node = |name: &str| network.node(name).expect("a layer of the network");
        let [input, output] = [&layer.inputs[0], &layer.name].map(|name| network.shape(node(name)));
        let of_layer = |name: &&str| {
            let owner = name.rsplit_once('.').map(|(owner, _)| owner);
            owner == Some(&layer.name)
        };
        let names = file.tensor_names().filter(of_layer);
        let tensors = names.map(|name| {
            let tensor = file.tensor(name).expect("a name of the file");
            TensorData {
                name: name.into(),
                dtype: tensor.dtype,
                shape: tensor.shape.to_vec(),
                values: tensor.to_floats(),
            }
        });
        let tensors: Vec<TensorData> = tensors.collect();
        let weights: usize = tensors.iter().map(|tensor| tensor.values.len()).sum();
        let positions = |dims: &[usize]| dims.iter().skip(1).product::<usize>();
        let places = match layer.op {
            Op::Convolution(_) => positions(output.dims()),
            Op::TransposedConvolution(_) => positions(input.dims()),
            _ => 1,
        };
        let mut chain = vec![Layer::new(&layer.name, layer.op.clone(), &["data"])];
        if let Some(next) = layers.get(i + 1)
            && matches!(next.op, Op::Relu(_))
        {
            chain.push(Layer::new(&next.name, next.op.clone(), &[&layer.name]));
        }
        let description = description(&layer.name, input.dims(), chain);
        let bytes = netfile::to_bytes(&description, &tensors).expect("a valid network");
        Row {
            name: layer.name.clone(),
            file: NetworkFile::from_bytes(bytes).expect("what was just written"),
            flops: 2 * places * weights,
            moved: input.len() + output.len(),
            stored: tensors
                .iter()
                .map(|t| t.values.len() * t.dtype.size())
                .sum(),
        }
    }

    /// Milliseconds of a forward pass and of one back.
    fn times(&self, device: &Device, k: usize) -> [f64; 2] {
        let network = Network::load(&self.file, device).expect("room for a layer");
        let output = network.output();
        let mut plan = Plan::new(&network, k, &[output]).expect("room for a layer");
        let wave = |buffer: &mut Buffer| {
            let values = (0..k * buffer.sample_len()).map(|i| (i as f32 * 0.7).sin());
            buffer.write(k, &values.collect::<Vec<_>>());
        };
        wave(plan.input_mut());
        let forward = median_ms(9, || plan.forward(k));
        let mut dy = Buffer::new(k, network.shape(output));
        wave(&mut dy);
        let mut dx = Buffer::new(k, network.shape(NodeId::INPUT));
        let backward = median_ms(9, || {
            // As if whoever is behind it had carried it.
            plan.backward(output, k, &mut dy, &mut [&mut dx], [true, false]);
        });
        [forward, backward]
    }

    fn print(&self, k: usize, times: [f64; 2], limits: Limits) {
        print!("{:8}", self.name);
        for (ms, end) in times.into_iter().zip([" |", "\n"]) {
            let flops = (self.flops * k) as f64 / 1e9;
            let bytes = (self.stored + 4 * k * self.moved) as f64 / 1e9;
            let least = (flops / limits.gflops).max(bytes / limits.gb_per_s);
            let seconds = ms / 1e3;
            print!(
                " {ms:8.3} {:8.0} {:5.0} {:8.0} %{end}",
                flops / seconds,
                bytes / seconds,
                100.0 * least / seconds,
            );
        }
    }
}
