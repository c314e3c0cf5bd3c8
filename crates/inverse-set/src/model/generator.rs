//! A generator at work.

use autograd::Gradient;
use engine::{Buffer, Clamp, Decoder, NodeId, Plan};
use sampler::{Failure, Generator, HostSpace};

use super::unfit;
use crate::Error;
use crate::pair::{Loaded, Pair};

/// A generator with its buffers: one pass from codes to images, and back.
#[derive(Debug)]
pub(super) struct CodePass {
    plan: Plan,
    gradient: Gradient,
    decoder: Decoder,
    output: NodeId,
    images: Buffer,
}

impl CodePass {
    /// For batches of at most `batch` codes.
    pub(super) fn new(pair: &Pair, batch: usize, clamp: Clamp) -> Result<CodePass, Error> {
        let generator = pair.generator.as_ref();
        let Loaded { file, network, .. } = generator.ok_or_else(|| {
            let name = pair.classifier.network.name();
            Error::Request(format!(
                "generating images for {name}: there is no generator"
            ))
        })?;
        let output = network.output();
        let image = pair.classifier.network.shape(NodeId::INPUT);
        let device = network.device();
        let decoder =
            Decoder::new(file, network.shape(output), image, clamp, device).map_err(unfit)?;
        let plan = Plan::new(network, batch, &[output]).map_err(unfit)?;
        Ok(CodePass {
            gradient: Gradient::new(&plan, &[output]).map_err(unfit)?,
            images: device.buffer(batch, image).map_err(unfit)?,
            plan,
            decoder,
            output,
        })
    }

    /// Where codes are written before a pass.
    pub(super) fn codes(&mut self) -> &mut Buffer {
        self.plan.input_mut()
    }

    /// The images of `n` codes.
    pub(super) fn forward(&mut self, n: usize) -> &Buffer {
        self.plan.forward(n);
        let output = self.plan.activation(self.output);
        self.decoder.decode(output, n, &mut self.images);
        &self.images
    }

    /// The images made last.
    pub(super) fn images(&self) -> &Buffer {
        &self.images
    }

    /// From the cotangents of the images made last to those of their `n` codes.
    pub(super) fn backward(&mut self, d_images: &Buffer, n: usize) -> &Buffer {
        self.gradient.clear();
        let output = self.plan.activation(self.output);
        let d_output = self.gradient.cotangent(self.output, n);
        self.decoder.pull(output, d_images, n, d_output);
        self.gradient.pull(&self.plan, n)
    }
}

/// A generator, its results in main memory.
#[derive(Debug)]
pub(crate) struct CodeGenerator {
    pass: CodePass,
    d_images: Buffer,
    /// Codes of the last `decode`.
    n: usize,
    /// What the sampler is shown, in its own vectors.
    shown_images: Vec<f32>,
    shown_d_codes: Vec<f32>,
}

impl CodeGenerator {
    /// For batches of at most `batch` codes.
    pub(crate) fn new(pair: &Pair, batch: usize, clamp: Clamp) -> Result<CodeGenerator, Error> {
        let classifier = &pair.classifier.network;
        let image = classifier.shape(NodeId::INPUT);
        // First, for it tells whether the batch fits into memory.
        let pass = CodePass::new(pair, batch, clamp)?;
        Ok(CodeGenerator {
            pass,
            d_images: classifier.device().buffer(batch, image).map_err(unfit)?,
            n: 0,
            shown_images: Vec::new(),
            shown_d_codes: Vec::new(),
        })
    }
}

impl Generator<HostSpace> for CodeGenerator {
    fn decode(&mut self, codes: &Vec<f32>, n: usize) -> Result<&Vec<f32>, Failure> {
        let input = self.pass.codes();
        input.write(n, &codes[..n * input.sample_len()]);
        self.n = n;
        let images = self.pass.forward(n);
        images.read_into(n, &mut self.shown_images)?;
        Ok(&self.shown_images)
    }

    fn pull(&mut self, d_images: &Vec<f32>) -> Result<&Vec<f32>, Failure> {
        let n = self.n;
        self.d_images.write(n, d_images);
        let d_codes = self.pass.backward(&self.d_images, n);
        d_codes.read_into(n, &mut self.shown_d_codes)?;
        Ok(&self.shown_d_codes)
    }
}
