//! The whole step of a sampler.

use std::path::PathBuf;
use std::time::Instant;

use autograd::Gradient;
use engine::{Device, Network, NodeId, Plan};
use netfile::NetworkFile;

use crate::median_ms;

/// The unit of fc8 whose gradient is taken.
const UNIT: usize = 945;

pub(crate) fn run(device: &Device, files: &[PathBuf; 2], k: usize) {
    let start = Instant::now();
    let mut step = Step::new(device, files, k);
    step.run(k);
    let first = start.elapsed().as_secs_f64();
    let forward = median_ms(7, || step.forward(k));
    let whole = median_ms(7, || step.run(k));
    println!(
        "K = {k}: step {whole:.1} ms, of which forward {forward:.1}; first step {first:.2} s after the start; greatest memory so far {} MiB",
        peak_memory_mib()
    );
}

/// A generator, a classifier, and a walk back over both.
struct Step {
    generator: Plan,
    classifier: Plan,
    images: NodeId,
    encoding: NodeId,
    scores: NodeId,
    gradients: [Gradient; 2],
}

impl Step {
    fn new(device: &Device, files: &[PathBuf; 2], k: usize) -> Step {
        let [generator, classifier] = files.each_ref().map(|file| {
            let file = NetworkFile::open(file).expect("a file that was written");
            Network::load(&file, device).expect("room for the networks")
        });
        let (images, scores) = (generator.output(), classifier.output());
        let encoding = classifier.node("relu_fc6").expect("CaffeNet has it");
        let generator = Plan::new(&generator, k, &[images]).expect("room for a plan");
        let classifier = Plan::new(&classifier, k, &[encoding, scores]).expect("room for a plan");
        let mut step = Step {
            gradients: [
                Gradient::new(&generator, &[images]),
                Gradient::new(&classifier, &[encoding, scores]),
            ],
            generator,
            classifier,
            images,
            encoding,
            scores,
        };
        let codes = step.generator.input_mut().stored_mut(k);
        for (i, code) in codes.iter_mut().enumerate() {
            *code = 1.0 + (i as f32 * 0.7).sin();
        }
        step
    }

    fn forward(&mut self, k: usize) {
        self.generator.forward(k);
        let images = self.generator.activation(self.images).stored(k);
        self.classifier
            .input_mut()
            .stored_mut(k)
            .copy_from_slice(images);
        self.classifier.forward(k);
    }

    fn run(&mut self, k: usize) {
        self.forward(k);
        let [of_generator, of_classifier] = &mut self.gradients;
        of_classifier.clear();
        let scores = of_classifier.cotangent(self.scores, k).stored_mut(k);
        scores
            .chunks_exact_mut(1000)
            .for_each(|scores| scores[UNIT] = 1.0);
        let encodings = of_classifier.cotangent(self.encoding, k).stored_mut(k);
        for (i, d) in encodings.iter_mut().enumerate() {
            *d = (i as f32 * 0.3).cos();
        }
        let d_images = of_classifier.pull(&self.classifier, k);
        of_generator.clear();
        let to = of_generator.cotangent(self.images, k);
        to.stored_mut(k).copy_from_slice(d_images.stored(k));
        let d_codes = of_generator.pull(&self.generator, k).stored(k);
        assert!(
            d_codes.iter().all(|d| d.is_finite()),
            "a gradient is finite"
        );
    }
}

/// Where the system tells it, else 0.
fn peak_memory_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kib.unwrap_or(0) / 1024
}
