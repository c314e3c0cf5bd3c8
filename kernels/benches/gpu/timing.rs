//! Every op by itself on a CUDA device, timed by the device's own events.

use engine::{Buffer, Clamp, Decoder, Device, Encoder, Network, NodeId, Plan, Shape};

use crate::machine::{self, Machine};
use crate::pairs::{Computed, Pair};
use crate::work::{self, Direction, Work};

/// Runs of an op, of which the median counts.
const RUNS: usize = 9;

/// Values of f32 that are written before every run, so that none finds its
/// weights in the second cache: more than any device has.
const OTHERS: usize = 64 << 20;

const HEADING: &str = "\
layer    pass    kernel                          ms GFLOP/s   GB/s of limit";

pub(crate) struct Bench {
    device: Device,
    /// `None` on a simulated device, which has no speed.
    machine: Option<Machine>,
    others: Buffer,
    tensor: bool,
    k: usize,
}

impl Bench {
    /// For `k` samples on CUDA device `index`.
    pub(crate) fn new(device: Device, index: usize, k: usize) -> Bench {
        let name = device.to_string();
        let simulated = name.starts_with("device: simulated");
        let machine = (!simulated).then(|| Machine::of(index).expect("a device that was opened"));
        match &machine {
            None => println!("\n{name}: simulated, so only that every op runs is shown"),
            Some(machine) => println!(
                "\n{name}\nby its attributes {:.2} TB/s, {:.0} TFLOP/s in f32, {:.0} in tf32",
                machine.memory / 1e12,
                machine.fma / 1e12,
                machine.tensor / 1e12
            ),
        }
        let others = if simulated { 1 } else { OTHERS };
        let others = Shape::new(&[others]).expect("a size above zero");
        Bench {
            others: device.buffer(1, &others).expect("room for a buffer"),
            tensor: machine::has_tensor_cores(index).expect("a device that was opened"),
            device,
            machine,
            k,
        }
    }

    pub(crate) fn is_simulated(&self) -> bool {
        self.machine.is_none()
    }

    pub(crate) fn run(&mut self, pair: &Pair, only: Option<&str>) {
        let (name, k) = (pair.name, self.k);
        match self.is_simulated() {
            true => println!("\nPair: {name}, K = {k}, simulated"),
            false => println!("\nPair: {name}, K = {k}\n{HEADING}"),
        }
        let layers = pair.layers();
        for (file, layers) in pair.files.iter().zip(&layers) {
            for layer in layers {
                if only.is_none_or(|only| only == layer.name) {
                    let network = Network::load(&layer.alone(file), &self.device);
                    self.layer(layer, &network.expect("room for a layer"));
                }
            }
        }
        if only.is_none_or(|only| only == "pixels") {
            self.pixels(pair, Pair::images(&layers));
        }
    }

    fn layer(&mut self, layer: &Computed, network: &Network) {
        let k = self.k;
        let output = network.output();
        let mut plan = Plan::new(network, k, &[output]).expect("room for a layer");
        wave(plan.input_mut(), k);
        let mut dy = self.buffer(network.shape(output));
        wave(&mut dy, k);
        let mut dx = self.buffer(network.shape(NodeId::INPUT));
        // By itself a layer has no rectifier before it, and what is behind it has
        // carried the gradient through its own.
        let alone = Computed {
            masked: false,
            rectifies_back: false,
            op: layer.op.clone(),
            name: layer.name.clone(),
            input: layer.input.clone(),
            output: layer.output.clone(),
            ..*layer
        };
        let work = |direction| Work::of(&alone, direction, k, self.tensor);
        let works = [Direction::Forward, Direction::Back].map(work);
        let ms = self.median(|| plan.forward(k));
        self.print(&layer.name, Direction::Forward, &works[0], ms);
        let ms = self.median(|| plan.backward(output, k, &mut dy, &mut [&mut dx], [true, false]));
        self.print(&layer.name, Direction::Back, &works[1], ms);
    }

    fn pixels(&mut self, pair: &Pair, images: [&[usize]; 2]) {
        let k = self.k;
        let [made, seen] = images.map(|dims| Shape::new(dims).expect("a layer's shape"));
        let [generator, classifier] = &pair.files;
        let clamp = Clamp::default();
        let decoder = Decoder::new(generator, &made, &seen, clamp, &self.device);
        let decoder = decoder.expect("images of the classifier's shape");
        let encoder = Encoder::new(classifier, &seen, &self.device);
        let encoder = encoder.expect("a classifier of images");
        let buffers = [&made, &made, &seen, &seen, &seen].map(|shape| self.buffer(shape));
        let [
            mut output,
            mut d_output,
            mut images,
            mut encoded,
            mut d_images,
        ] = buffers;
        wave(&mut output, k);
        let ways = [Direction::Forward, Direction::Back];
        let [[decode, encode], [pull_encoded, pull_image]] =
            ways.map(|direction| work::pixels([made.dims(), seen.dims()], direction, k));
        let ms = self.median(|| decoder.decode(&output, k, &mut images));
        self.print("pixels", Direction::Forward, &decode, ms);
        let ms = self.median(|| encoder.encode(&images, k, &mut encoded));
        self.print("pixels", Direction::Forward, &encode, ms);
        let ms = self.median(|| encoder.pull(&encoded, k, &mut d_images));
        self.print("pixels", Direction::Back, &pull_encoded, ms);
        let ms = self.median(|| decoder.pull(&output, &d_images, k, &mut d_output));
        self.print("pixels", Direction::Back, &pull_image, ms);
    }

    fn buffer(&self, shape: &Shape) -> Buffer {
        self.device.buffer(self.k, shape).expect("room for a layer")
    }

    /// Milliseconds of `work` after something else. The device is still busy
    /// with that when `work` is asked for, so the host's time is not in it.
    fn median(&mut self, mut work: impl FnMut()) -> f64 {
        let runs = if self.is_simulated() { 1 } else { RUNS };
        let mut once = || {
            self.others.fill(1, 0.0);
            let ms = self.device.time(&mut work);
            f64::from(ms.unwrap_or_else(|error| panic!("{error}")))
        };
        once();
        let mut times: Vec<f64> = (0..runs).map(|_| once()).collect();
        times.sort_by(f64::total_cmp);
        times[runs / 2]
    }

    fn print(&self, layer: &str, direction: Direction, work: &Work, ms: f64) {
        print!("{layer:8} {:7} {:26} ", direction.name(), work.kernel);
        let Some(machine) = &self.machine else {
            return println!("simulated: no timings");
        };
        let [arithmetic, memory] = machine.least(work);
        let seconds = ms / 1e3;
        println!(
            "{ms:7.4} {:7.0} {:6.0} {:6.0} %",
            work.flops / seconds / 1e9,
            work.bytes() / seconds / 1e9,
            100.0 * arithmetic.max(memory) / seconds
        );
    }
}

fn wave(buffer: &mut Buffer, k: usize) {
    let values = (0..k * buffer.sample_len()).map(|i| (i as f32 * 0.7).sin());
    buffer.write(k, &values.collect::<Vec<_>>());
}
