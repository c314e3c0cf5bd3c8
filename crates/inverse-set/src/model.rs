//! The sampler's view of a pair of networks.

use autograd::Gradient;
use engine::{Buffer, Clamp, Decoder, Encoder, Network, NodeId, Plan, Readout};
use sampler::{Failure, Generator, HostSpace, Look, Observer, Wanted};

use crate::encoding::{Encoding, OtherNetwork};
use crate::pair::{Loaded, Pair};
use crate::{Error, Neuron};

/// A generator: codes in, images out, and back.
#[derive(Debug)]
pub(crate) struct CodeGenerator {
    plan: Plan,
    gradient: Gradient,
    decoder: Decoder,
    output: NodeId,
    images: Buffer,
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
        Ok(CodeGenerator {
            gradient: Gradient::new(&plan, &[output]),
            plan,
            decoder,
            output,
            images: Buffer::new(batch, image),
            d_images: Buffer::new(batch, image),
            n: 0,
            shown_images: Vec::new(),
            shown_d_codes: Vec::new(),
        })
    }
}

impl Generator<HostSpace> for CodeGenerator {
    fn decode(&mut self, codes: &Vec<f32>, n: usize) -> Result<&Vec<f32>, Failure> {
        let input = self.plan.input_mut();
        input.write(n, &codes[..n * input.sample_len()]);
        self.n = n;
        self.plan.forward(n);
        self.decoder
            .decode(self.plan.activation(self.output), n, &mut self.images);
        self.images.read_into(n, &mut self.shown_images);
        Ok(&self.shown_images)
    }

    fn pull(&mut self, d_images: &Vec<f32>) -> Result<&Vec<f32>, Failure> {
        let n = self.n;
        self.d_images.write(n, d_images);
        self.gradient.clear();
        self.decoder.pull(
            self.plan.activation(self.output),
            &self.d_images,
            n,
            self.gradient.cotangent(self.output, n),
        );
        let d_codes = self.gradient.pull(&self.plan, n);
        d_codes.read_into(n, &mut self.shown_d_codes);
        Ok(&self.shown_d_codes)
    }
}

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

/// A classifier: images in; neurons, encodings and the images' own codes out,
/// all from one pass unless another network encodes, and back.
#[derive(Debug)]
pub(crate) struct Classifier {
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
    images: Buffer,
    d_images: Buffer,
    /// Images of the last `look`.
    n: usize,
    values: Vec<f32>,
    column: Vec<f32>,
    /// What the sampler is shown, in its own vectors.
    shown_encodings: Vec<f32>,
    shown_codes: Vec<f32>,
    shown_d_images: Vec<f32>,
}

impl Classifier {
    /// For batches of at most `batch` images.
    pub(crate) fn new(
        pair: &Pair,
        neurons: &[Neuron],
        encoding: &Encoding,
        batch: usize,
    ) -> Result<Classifier, Error> {
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
        let mut sources: Vec<NodeId> = neurons.iter().map(|(node, _)| *node).collect();
        let encodings = match encoding {
            Encoding::Layer { node, .. } => Encodings::Layer(*node),
            Encoding::Network { network, node, .. } => {
                Encodings::Network(Box::new(OtherNetwork::new(network, *node, batch)?))
            }
            Encoding::Pixels => Encodings::Pixels,
        };
        if let Encodings::Layer(node) = encodings {
            sources.push(node);
        }
        sources.sort_unstable();
        sources.dedup();
        let mut targets = sources.clone();
        targets.extend(code);
        let plan = Plan::new(network, batch, &targets).map_err(unfit)?;
        let input = network.shape(NodeId::INPUT);
        Ok(Classifier {
            gradient: Gradient::new(&plan, &sources),
            encoder: Encoder::new(file, input, network.device()).map_err(unfit)?,
            images: Buffer::new(batch, input),
            d_images: Buffer::new(batch, input),
            n: 0,
            values: vec![0.0; batch * neurons.len()],
            column: vec![0.0; batch],
            shown_encodings: Vec::new(),
            shown_codes: Vec::new(),
            shown_d_images: Vec::new(),
            plan,
            neurons,
            encodings,
            code,
            tail,
        })
    }

    /// The same for images that are made of no codes: it gives none.
    pub(crate) fn without_codes(self) -> Classifier {
        Classifier {
            code: None,
            tail: None,
            ..self
        }
    }
}

/// The part of a classifier behind the layer of the codes.
#[derive(Debug)]
struct Tail {
    plan: Plan,
    /// Where the neurons are in it, if they are.
    neurons: Vec<Option<(NodeId, Readout)>>,
    values: Vec<f32>,
}

/// Codes that a tail computes at a time.
const TAIL_BATCH: usize = 16;

impl Tail {
    /// None if no neuron lies behind the layer.
    fn new(
        network: &Network,
        code: NodeId,
        neurons: &[(NodeId, Readout)],
    ) -> Result<Option<Tail>, Error> {
        let (tail, places) = network.after(code);
        let neurons: Vec<_> = neurons
            .iter()
            .map(|(node, readout)| Some((*places.get(node)?, *readout)))
            .collect();
        let targets: Vec<NodeId> = neurons.iter().flatten().map(|(node, _)| *node).collect();
        if targets.is_empty() {
            return Ok(None);
        }
        Ok(Some(Tail {
            plan: Plan::new(&tail, TAIL_BATCH, &targets).map_err(unfit)?,
            neurons,
            values: Vec::new(),
        }))
    }

    /// `[n, m]`, NaN for neurons that lie elsewhere.
    fn values(&mut self, codes: &[f32], n: usize) -> &[f32] {
        let m = self.neurons.len();
        let d = codes.len() / n;
        self.values.clear();
        self.values.resize(n * m, f32::NAN);
        let mut column = [0.0; TAIL_BATCH];
        for (codes, values) in codes
            .chunks(TAIL_BATCH * d)
            .zip(self.values.chunks_mut(TAIL_BATCH * m))
        {
            let n = codes.len() / d;
            self.plan.input_mut().write(n, codes);
            self.plan.forward(n);
            for (j, neuron) in self.neurons.iter().enumerate() {
                let Some((node, readout)) = neuron else {
                    continue;
                };
                let shape = self.plan.network().shape(*node);
                readout.read(shape, self.plan.activation(*node), n, &mut column);
                for (row, value) in values.chunks_exact_mut(m).zip(column) {
                    row[j] = value;
                }
            }
        }
        &self.values
    }
}

impl Observer<HostSpace> for Classifier {
    fn gives_own_codes(&self) -> bool {
        self.code.is_some()
    }

    fn foretell(&mut self, codes: &[f32], n: usize) -> Result<Option<&[f32]>, Failure> {
        Ok(self.tail.as_mut().map(|tail| tail.values(codes, n)))
    }

    fn look(
        &mut self,
        images: &Vec<f32>,
        n: usize,
        wanted: Wanted,
    ) -> Result<Look<'_, HostSpace>, Failure> {
        self.images
            .write(n, &images[..n * self.images.sample_len()]);
        self.n = n;
        self.encoder.encode(&self.images, n, self.plan.input_mut());
        self.plan.forward(n);
        let m = self.neurons.len();
        for (j, (node, readout)) in self.neurons.iter().enumerate() {
            let shape = self.plan.network().shape(*node);
            readout.read(shape, self.plan.activation(*node), n, &mut self.column);
            for (row, value) in self.values.chunks_exact_mut(m).zip(&self.column[..n]) {
                row[j] = *value;
            }
        }
        if wanted.encodings {
            let shown = &mut self.shown_encodings;
            match &mut self.encodings {
                Encodings::Layer(node) => self.plan.activation(*node).read_into(n, shown),
                Encodings::Network(network) => {
                    shown.clear();
                    shown.extend_from_slice(network.encode(&self.images, n));
                }
                Encodings::Pixels => self.images.read_into(n, shown),
            }
        }
        let code = self.code.filter(|_| wanted.own_codes);
        if let Some(node) = code {
            self.plan
                .activation(node)
                .read_into(n, &mut self.shown_codes);
        }
        Ok(Look {
            values: &self.values[..n * m],
            encodings: wanted.encodings.then_some(&self.shown_encodings),
            own_codes: code.is_some().then_some(&self.shown_codes),
        })
    }

    fn pull(&mut self, values: &[f32], encodings: Option<&Vec<f32>>) -> Result<&Vec<f32>, Failure> {
        let n = self.n;
        let m = self.neurons.len();
        self.gradient.clear();
        for (j, (node, readout)) in self.neurons.iter().enumerate() {
            for (value, row) in self.column.iter_mut().zip(values.chunks_exact(m)) {
                *value = row[j];
            }
            let shape = self.plan.network().shape(*node);
            let d = self.gradient.cotangent(*node, n);
            readout.pull(shape, self.plan.activation(*node), n, &self.column, d);
        }
        if let (Encodings::Layer(node), Some(encodings)) = (&self.encodings, encodings) {
            self.gradient.cotangent(*node, n).add(n, encodings);
        }
        let d_input = self.gradient.pull(&self.plan, n);
        self.encoder.pull(d_input, n, &mut self.d_images);
        self.d_images.read_into(n, &mut self.shown_d_images);
        match (&mut self.encodings, encodings) {
            (Encodings::Network(network), Some(encodings)) => {
                add(&mut self.shown_d_images, network.pull(encodings, n));
            }
            (Encodings::Pixels, Some(encodings)) => add(&mut self.shown_d_images, encodings),
            _ => {}
        }
        Ok(&self.shown_d_images)
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

fn add(sum: &mut [f32], terms: &[f32]) {
    for (sum, term) in sum.iter_mut().zip(terms) {
        *sum += term;
    }
}

/// Networks that do not fit together, or do not fit into memory.
fn unfit(cause: engine::Error) -> Error {
    Error::Request(format!("joining generator and classifier: {cause}"))
}

#[cfg(test)]
mod tests;
