//! Generator, pixel step and classifier joined, as the sampler joins them.

use std::path::Path;

use anyhow::{Context, Result};
use autograd::Gradient;
use engine::{Buffer, Clamp, Cpu, Decoder, Device, Encoder, Network, NodeId, Plan};
use netfile::NetworkFile;

use super::{conversion, network};

/// Both networks of a pair with the buffers to run them.
pub(super) struct Joined {
    generator: Plan,
    decoder: Decoder,
    encoder: Encoder,
    classifier: Plan,
    /// Codes of the last forward pass.
    n: usize,
    images: Buffer,
    d_images: Buffer,
}

impl Joined {
    /// Opens the pair in a folder for batches of at most `batch` codes, of
    /// which the named activations can be read.
    pub(super) fn open(
        pair: &Path,
        batch: usize,
        winograd: bool,
        names: &[&str],
    ) -> Result<Joined> {
        let device = Device::new(Cpu {
            winograd,
            ..Cpu::default()
        })?;
        let (generator, g) = load(&network(pair, conversion::GENERATOR.part), &device)?;
        let (classifier, c) = load(&network(pair, conversion::CLASSIFIER.part), &device)?;
        let image = c.shape(NodeId::INPUT);
        let read = |of: &Network, prefix: &str| {
            let layers = names.iter().filter_map(|name| name.strip_prefix(prefix));
            layers
                .map(|layer| node(of, layer))
                .collect::<Result<Vec<_>>>()
        };
        let (made, seen) = (read(&g, "generator.")?, read(&c, "classifier.")?);
        let output = g.shape(g.output());
        Ok(Joined {
            decoder: Decoder::new(&generator, output, image, Clamp::StraightInward, &device)?,
            encoder: Encoder::new(&classifier, image, &device)?,
            generator: Plan::new(&g, batch, &[&made[..], &[g.output()]].concat())?,
            classifier: Plan::new(&c, batch, &seen)?,
            n: 0,
            images: Buffer::new(batch, image),
            d_images: Buffer::new(batch, image),
        })
    }

    /// From codes to the deepest of the classifier's layers that can be read.
    pub(super) fn forward(&mut self, codes: &[f32]) {
        let n = codes.len() / self.generator.input_mut().sample_len();
        self.n = n;
        self.generator.input_mut().write(n, codes);
        self.generator.forward(n);
        let output = self.generator.activation(self.generator.network().output());
        self.decoder.decode(output, n, &mut self.images);
        self.encoder
            .encode(&self.images, n, self.classifier.input_mut());
        self.classifier.forward(n);
    }

    /// What the reference calls `generator.<layer>`, `classifier.<layer>` or
    /// `images`, of the last forward pass.
    pub(super) fn activation(&self, name: &str) -> Result<Vec<f32>> {
        let (plan, layer) = match name.split_once('.') {
            Some(("generator", layer)) => (&self.generator, layer),
            Some(("classifier", layer)) => (&self.classifier, layer),
            _ => return Ok(self.images.read(self.n)?),
        };
        Ok(plan.activation(node(plan.network(), layer)?).read(self.n)?)
    }

    /// The gradient with respect to the codes of the last forward pass, from
    /// cotangents at layers of the classifier.
    pub(super) fn gradient(&mut self, cotangents: &[(&str, Vec<f32>)]) -> Result<Vec<f32>> {
        let n = self.n;
        let nodes = cotangents.iter();
        let nodes = nodes.map(|(layer, _)| node(self.classifier.network(), layer));
        let nodes = nodes.collect::<Result<Vec<_>>>()?;
        let mut seen = Gradient::new(&self.classifier, &nodes)?;
        for (&node, (_, cotangent)) in nodes.iter().zip(cotangents) {
            seen.cotangent(node, n).write(n, cotangent);
        }
        let d_input = seen.pull(&self.classifier, n);
        self.encoder.pull(d_input, n, &mut self.d_images);

        let output = self.generator.network().output();
        let mut generated = Gradient::new(&self.generator, &[output])?;
        let pixels = self.generator.activation(output);
        let d_output = generated.cotangent(output, n);
        self.decoder.pull(pixels, &self.d_images, n, d_output);
        Ok(generated.pull(&self.generator, n).read(n)?)
    }
}

fn load(path: &Path, device: &Device) -> Result<(NetworkFile, Network)> {
    let file = NetworkFile::open(path)?;
    let network = Network::load(&file, device);
    let network = network.with_context(|| format!("loading {}", path.display()))?;
    Ok((file, network))
}

fn node(network: &Network, layer: &str) -> Result<NodeId> {
    let node = network.node(layer);
    node.with_context(|| format!("{}: expected a layer {layer}, found none", network.name()))
}
