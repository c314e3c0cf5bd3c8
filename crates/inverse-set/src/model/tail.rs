//! What a classifier computes behind the layer of the codes.

use engine::{Buffer, Network, NodeId, Plan, Readout};
use sampler::Failure;

use super::{unfit, vector};
use crate::Error;

/// The part of a classifier behind the layer of the codes.
#[derive(Debug)]
pub(super) struct Tail {
    plan: Plan,
    /// Where the neurons are in it, if they are.
    neurons: Vec<Option<(NodeId, Readout)>>,
    read: Buffer,
    values: Vec<f32>,
}

/// Codes that a tail computes at a time.
const TAIL_BATCH: usize = 16;

impl Tail {
    /// None if no neuron lies behind the layer.
    pub(super) fn new(
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
        let of_neurons = vector(neurons.len());
        let mut read = network
            .device()
            .buffer(TAIL_BATCH, &of_neurons)
            .map_err(unfit)?;
        read.fill(TAIL_BATCH, f32::NAN);
        Ok(Some(Tail {
            plan: Plan::new(&tail, TAIL_BATCH, &targets).map_err(unfit)?,
            neurons,
            read,
            values: Vec::new(),
        }))
    }

    /// `[n, m]`, NaN for neurons that lie elsewhere.
    pub(super) fn values(&mut self, codes: &[f32], n: usize) -> Result<&[f32], Failure> {
        let d = codes.len() / n;
        self.values.clear();
        let mut read = Vec::new();
        for codes in codes.chunks(TAIL_BATCH * d) {
            let n = codes.len() / d;
            self.plan.input_mut().write(n, codes);
            self.plan.forward(n);
            for (j, neuron) in self.neurons.iter().enumerate() {
                let Some((node, readout)) = neuron else {
                    continue;
                };
                let shape = self.plan.network().shape(*node);
                readout.read(shape, self.plan.activation(*node), n, &mut self.read, j);
            }
            self.read.read_into(n, &mut read)?;
            self.values.extend_from_slice(&read);
        }
        Ok(&self.values)
    }
}
