//! The whole step of a sampler.

use std::path::Path;
use std::time::Instant;

use autograd::Gradient;
use engine::{Buffer, Clamp, Decoder, Device, Encoder, Network, NodeId, Plan};
use netfile::{CodeSpace, NetworkFile};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::median_ms;

/// The layer that says how well an image fits each class.
const SCORES: &str = "fc8";

/// The unit of fc8 whose gradient is taken, of as many as there are.
const UNIT: usize = 945;

/// Measures the step of a pair at `k` codes and returns its milliseconds.
pub(crate) fn run(device: &Device, pair: &Path, k: usize) -> f64 {
    // Where the system can, forget how much was used before; see proc(5).
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let start = Instant::now();
    let mut step = Step::new(device, pair, k);
    step.run();
    let first = start.elapsed().as_secs_f64();
    let forward = median_ms(7, || step.forward());
    let whole = median_ms(7, || {
        step.run();
    });
    println!(
        "K = {k}: step {whole:.1} ms, of which forward {forward:.1}; \
         first step {first:.2} s after the start"
    );
    if let Some(peak) = peak_memory() {
        let stored = step.stored() as f64;
        let mib = peak / f64::from(1 << 20);
        println!(
            "      greatest memory {mib:.0} MiB, {:.2} times stored weights and activations",
            peak / stored
        );
    }
    whole
}

/// A generator, the pixels between, a classifier, and a walk back over all.
pub(crate) struct Step {
    k: usize,
    generator: Plan,
    decoder: Decoder,
    images: Buffer,
    d_images: Buffer,
    encoder: Encoder,
    classifier: Plan,
    output: NodeId,
    encoding: NodeId,
    scores: NodeId,
    gradients: [Gradient; 2],
    /// Bytes of both files.
    files: u64,
    /// `k` of them, row-major.
    pub codes: Vec<f32>,
    /// What each encoding is multiplied by.
    pub direction: Vec<f32>,
    /// The same for each sample, and the cotangents of its unit's score.
    directions: Vec<f32>,
    one_unit: Vec<f32>,
}

impl Step {
    /// Of the pair in a folder.
    pub(crate) fn new(device: &Device, pair: &Path, k: usize) -> Step {
        let paths =
            ["generator", "classifier"].map(|part| pair.join(part).with_extension("safetensors"));
        let files = paths.each_ref().map(|path| {
            NetworkFile::open(path).unwrap_or_else(|error| panic!("opening the pair: {error}"))
        });
        let networks = files
            .each_ref()
            .map(|file| Network::load(file, device).expect("room for the networks"));
        let [generator, classifier] = networks;
        let output = generator.output();
        let scores = classifier.node(SCORES).expect("a layer of scores");
        let encoding = files[1].description().encoder.as_deref();
        let encoding = encoding.and_then(|name| classifier.node(name));
        let encoding = encoding.expect("the classifier names its encoder");
        let image = classifier.shape(NodeId::INPUT);
        let random = &mut ChaCha8Rng::seed_from_u64(5);
        let normal = normals(random, k * generator.shape(NodeId::INPUT).len());
        let direction = normals(random, classifier.shape(encoding).len());
        let clamp = Clamp::StraightInward;
        let decoder = Decoder::new(&files[0], generator.shape(output), image, clamp, device);
        let encoder = Encoder::new(&files[1], image, device);
        let units = classifier.shape(scores).len();
        let mut one_unit = vec![0.0; units];
        one_unit[UNIT % units] = 1.0;
        let plan =
            |network, targets: &[NodeId]| Plan::new(network, k, targets).expect("room for a plan");
        let generator_plan = plan(&generator, &[output]);
        let classifier_plan = plan(&classifier, &[encoding, scores]);
        let mut step = Step {
            k,
            decoder: decoder.expect("images of the classifier's shape"),
            encoder: encoder.expect("a classifier of images"),
            images: Buffer::new(k, image),
            d_images: Buffer::new(k, image),
            gradients: [
                Gradient::new(&generator_plan, &[output]).expect("room for gradients"),
                Gradient::new(&classifier_plan, &[encoding, scores]).expect("room for gradients"),
            ],
            generator: generator_plan,
            classifier: classifier_plan,
            output,
            encoding,
            scores,
            files: paths.iter().map(size).sum(),
            codes: codes(&files[0], &normal),
            directions: direction.repeat(k),
            direction,
            one_unit: one_unit.repeat(k),
        };
        step.generator.input_mut().write(k, &step.codes);
        step
    }

    /// Both networks, to the scores.
    pub(crate) fn forward(&mut self) {
        let k = self.k;
        self.generator.forward(k);
        let output = self.generator.activation(self.output);
        self.decoder.decode(output, k, &mut self.images);
        let input = self.classifier.input_mut();
        self.encoder.encode(&self.images, k, input);
        self.classifier.forward(k);
    }

    /// The gradient with respect to the codes of the sum of their unit's score
    /// and of `direction` times their encoding.
    pub(crate) fn run(&mut self) -> &Buffer {
        self.forward();
        let k = self.k;
        let [of_generator, of_classifier] = &mut self.gradients;
        of_classifier.clear();
        of_classifier
            .cotangent(self.scores, k)
            .write(k, &self.one_unit);
        of_classifier
            .cotangent(self.encoding, k)
            .write(k, &self.directions);
        let d_input = of_classifier.pull(&self.classifier, k);
        self.encoder.pull(d_input, k, &mut self.d_images);
        of_generator.clear();
        self.decoder.pull(
            self.generator.activation(self.output),
            &self.d_images,
            k,
            of_generator.cotangent(self.output, k),
        );
        of_generator.pull(&self.generator, k)
    }

    /// Bytes of the weights as they are stored, and of every layer's
    /// activations.
    fn stored(&self) -> u64 {
        let of = |plan: &Plan| {
            let network = plan.network();
            let nodes = network.nodes().filter(|&node| plan.reaches(node));
            nodes.map(|node| network.shape(node).len()).sum::<usize>()
        };
        let values = self.k * (of(&self.generator) + of(&self.classifier));
        self.files + 4 * values as u64
    }
}

fn size(path: impl AsRef<Path>) -> u64 {
    let data = std::fs::metadata(path).expect("a file that was opened");
    data.len()
}

/// Codes distributed as the generator's file says.
fn codes(file: &NetworkFile, normal: &[f32]) -> Vec<f32> {
    let [lower, upper, mean, std] = [
        CodeSpace::LOWER,
        CodeSpace::UPPER,
        CodeSpace::MEAN,
        CodeSpace::STD,
    ]
    .map(|name| file.floats(name).expect("a generator has codes"));
    let units = mean.len();
    let value = |(i, z): (usize, &f32)| {
        let i = i % units;
        (mean[i] + std[i] * z).clamp(lower[i], upper[i])
    };
    normal.iter().enumerate().map(value).collect()
}

/// About normally distributed numbers: sums of four uniform ones.
fn normals(random: &mut ChaCha8Rng, len: usize) -> Vec<f32> {
    let mut uniform = || random.next_u32() as f32 / u32::MAX as f32 - 0.5;
    let mut normal = |_| (0..4).map(|_| uniform()).sum::<f32>() * 3f32.sqrt();
    (0..len).map(&mut normal).collect()
}

/// Bytes, where the system tells it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0)
}
