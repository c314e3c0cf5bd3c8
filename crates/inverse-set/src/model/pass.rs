//! One pass over a classifier: forward to all that the sampler reads, and back.

use autograd::Gradient;
use engine::{Buffer, Encoder, NodeId, Plan, Readout, Shape};
use sampler::Failure;

use super::tail::Tail;
use super::{unfit, vector};
use crate::encoding::{Encoding, OtherNetwork};
use crate::pair::{Loaded, Pair};
use crate::{Error, Neuron};

/// Where encodings come from.
#[derive(Debug)]
enum Encodings {
    /// A layer of the classifier.
    Layer(NodeId),
    /// Another network, which runs only where encodings are wanted.
    Network(Box<OtherNetwork>),
    /// The images themselves.
    Pixels,
}

/// A classifier with its buffers: neurons, encodings and the images' own codes
/// all come from one forward pass, unless another network encodes.
#[derive(Debug)]
pub(super) struct Pass {
    plan: Plan,
    gradient: Gradient,
    encoder: Encoder,
    neurons: Vec<(NodeId, Readout)>,
    encodings: Encodings,
    /// The layer in whose space the generator's codes lie, where this
    /// classifier has it.
    code: Option<NodeId>,
    /// What the classifier computes behind that layer.
    tail: Option<Tail>,
    /// The neurons' values as of the last forward pass, and what their
    /// cotangents and those of the encodings are before one back.
    pub(super) values: Buffer,
    pub(super) d_values: Buffer,
    pub(super) d_encodings: Buffer,
    d_images: Buffer,
}

impl Pass {
    /// For batches of at most `batch` images.
    pub(super) fn new(
        pair: &Pair,
        neurons: &[Neuron],
        encoding: &Encoding,
        batch: usize,
    ) -> Result<Pass, Error> {
        let Loaded { file, network, .. } = &pair.classifier;
        let neurons: Vec<(NodeId, Readout)> = neurons
            .iter()
            .map(|neuron| {
                let node = network.node(&neuron.layer).expect("neurons are resolved");
                (node, neuron.readout(network.shape(node)))
            })
            .collect();
        let code = code_node(pair)?;
        let tail = code
            .map(|code| Tail::new(network, code, &neurons))
            .transpose()?
            .flatten();
        let input = network.shape(NodeId::INPUT);
        let mut sources: Vec<NodeId> = neurons.iter().map(|(node, _)| *node).collect();
        let (encodings, shape) = match encoding {
            Encoding::Layer { node, .. } => {
                sources.push(*node);
                (Encodings::Layer(*node), network.shape(*node))
            }
            Encoding::Network {
                network: other,
                node,
                ..
            } => {
                let encodings = OtherNetwork::new(other, *node, batch)?;
                let shape = other.network.shape(*node);
                (Encodings::Network(Box::new(encodings)), shape)
            }
            Encoding::Pixels => (Encodings::Pixels, input),
        };
        sources.sort_unstable();
        sources.dedup();
        let mut targets = sources.clone();
        targets.extend(code);
        let plan = Plan::new(network, batch, &targets).map_err(unfit)?;
        let buffer = |shape: &Shape| network.device().buffer(batch, shape).map_err(unfit);
        let of_neurons = vector(neurons.len());
        Ok(Pass {
            gradient: Gradient::new(&plan, &sources).map_err(unfit)?,
            encoder: Encoder::new(file, input, network.device()).map_err(unfit)?,
            values: buffer(&of_neurons)?,
            d_values: buffer(&of_neurons)?,
            d_encodings: buffer(shape)?,
            d_images: buffer(input)?,
            plan,
            neurons,
            encodings,
            code,
            tail,
        })
    }

    /// The same for images that are made of no codes: it gives none.
    pub(super) fn without_codes(self) -> Pass {
        Pass {
            code: None,
            tail: None,
            ..self
        }
    }

    /// What codes in main memory (`[n, d]`) would make of the neurons that lie
    /// behind the layer of the codes, see `Observer::foretell`.
    pub(super) fn foretell(&mut self, codes: &[f32], n: usize) -> Result<Option<&[f32]>, Failure> {
        self.tail
            .as_mut()
            .map(|tail| tail.values(codes, n))
            .transpose()
    }

    /// Runs forward from `n` images.
    pub(super) fn forward(&mut self, images: &Buffer, n: usize) {
        self.encoder.encode(images, n, self.plan.input_mut());
        self.plan.forward(n);
        for (j, (node, readout)) in self.neurons.iter().enumerate() {
            let shape = self.plan.network().shape(*node);
            readout.read(shape, self.plan.activation(*node), n, &mut self.values, j);
        }
    }

    /// The encodings of the images of the last forward pass.
    pub(super) fn encode<'a>(&'a mut self, images: &'a Buffer, n: usize) -> &'a Buffer {
        match &mut self.encodings {
            Encodings::Layer(node) => self.plan.activation(*node),
            Encodings::Network(network) => network.encode(images, n),
            Encodings::Pixels => images,
        }
    }

    /// The images' own codes as of the last forward pass, if it gives them.
    pub(super) fn own_codes(&self) -> Option<&Buffer> {
        self.code.map(|node| self.plan.activation(node))
    }

    /// The cotangents of the images of the last forward pass, from those of the
    /// values and, if they are `encoded`, of the encodings.
    pub(super) fn backward(&mut self, n: usize, encoded: bool) -> &Buffer {
        self.gradient.clear();
        for (j, (node, readout)) in self.neurons.iter().enumerate() {
            let shape = self.plan.network().shape(*node);
            let activation = self.plan.activation(*node);
            let d = self.gradient.cotangent(*node, n);
            readout.pull(shape, activation, n, (&self.d_values, j), d);
        }
        if let (Encodings::Layer(node), true) = (&self.encodings, encoded) {
            let d = self.gradient.cotangent(*node, n);
            d.add(n, &self.d_encodings);
        }
        let d_input = self.gradient.pull(&self.plan, n);
        self.encoder.pull(d_input, n, &mut self.d_images);
        match &mut self.encodings {
            Encodings::Network(network) if encoded => {
                self.d_images.add(n, network.pull(&self.d_encodings, n));
            }
            Encodings::Pixels if encoded => self.d_images.add(n, &self.d_encodings),
            _ => {}
        }
        &self.d_images
    }

    /// What the last pass back gave.
    pub(super) fn d_images(&self) -> &Buffer {
        &self.d_images
    }
}

/// The classifier's layer in whose space the generator's codes lie. It may be
/// missing: a generator can be used with a classifier that it was not trained
/// on.
fn code_node(pair: &Pair) -> Result<Option<NodeId>, Error> {
    let Some(generator) = &pair.generator else {
        return Ok(None);
    };
    let Some(code) = &generator.file.description().code else {
        return Ok(None);
    };
    let classifier = &pair.classifier.network;
    let Some(node) = classifier.node(&code.layer) else {
        return Ok(None);
    };
    let (found, expected) = (
        generator.network.shape(NodeId::INPUT).len(),
        classifier.shape(node).len(),
    );
    if found != expected {
        return Err(Error::Request(format!(
            "joining generator and classifier: the generator's codes have {found} units, but layer {} of the classifier has {expected}; choose networks of one pair",
            code.layer
        )));
    }
    Ok(Some(node))
}
