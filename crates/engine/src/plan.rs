//! Buffers to run a network.

use smallvec::SmallVec;

use crate::ops::{Backward, Forward, Scratch};
use crate::{Buffer, Error, Network, NodeId, memory};

/// All buffers to run a network on up to a fixed number of samples, as deep as
/// its targets lie.
#[derive(Debug)]
pub struct Plan {
    network: Network,
    batch: usize,
    /// Per node, its activation and what its op saves for the gradient; `None`
    /// for a node that no target needs.
    nodes: Vec<Option<NodeBuffers>>,
    scratch: Scratch,
}

#[derive(Debug)]
struct NodeBuffers {
    y: Buffer,
    saved: Buffer,
}

impl Plan {
    /// Plans runs of at most `batch` samples that reach every target.
    ///
    /// # Errors
    /// [`Error::Memory`] where the buffers do not fit.
    pub fn new(network: &Network, batch: usize, targets: &[NodeId]) -> Result<Plan, Error> {
        let mut needed = vec![false; network.output().index() + 1];
        needed[NodeId::INPUT.index()] = true;
        for &target in targets {
            needed[target.index()] = true;
        }
        for node in network.nodes().rev() {
            if needed[node.index()] {
                for input in network.inputs(node) {
                    needed[input.index()] = true;
                }
            }
        }
        let used = || network.nodes().filter(|node| needed[node.index()]);
        let saved_len = |node: NodeId| match node {
            NodeId::INPUT => 0,
            _ => network.layer(node).op.saved(),
        };
        let threads = network.device().threads();
        let scratch_len = used()
            .filter(|&node| node != NodeId::INPUT)
            .map(|node| network.layer(node).op.scratch(batch))
            .max()
            .unwrap_or(0);
        let floats = used().try_fold(scratch_len.checked_mul(threads), |sum, node| {
            let sample = network.shape(node).len().checked_add(saved_len(node))?;
            Some(sum?.checked_add(sample.checked_mul(batch)?))
        });
        memory::check(
            || format!("{} on {batch} samples", network.name()),
            floats.flatten(),
        )?;
        let nodes = network
            .nodes()
            .map(|node| {
                needed[node.index()].then(|| NodeBuffers {
                    y: Buffer::new(batch, network.shape(node).len()),
                    saved: Buffer::new(batch, saved_len(node)),
                })
            })
            .collect();
        Ok(Plan {
            network: network.clone(),
            batch,
            nodes,
            scratch: Scratch::new(threads, scratch_len),
        })
    }

    /// The network that is run.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The greatest number of samples.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The input, to be written before [`Plan::forward`].
    pub fn input_mut(&mut self) -> &mut Buffer {
        let input = self.nodes[NodeId::INPUT.index()].as_mut();
        &mut input.expect("the input is always planned").y
    }

    /// Whether a node is computed by this plan.
    pub fn reaches(&self, node: NodeId) -> bool {
        self.nodes[node.index()].is_some()
    }

    /// The activation of a node that the plan reaches, as of the last
    /// [`Plan::forward`].
    pub fn activation(&self, node: NodeId) -> &Buffer {
        &self.buffers(node).y
    }

    /// Computes every planned node from the first `n` samples of the input.
    pub fn forward(&mut self, n: usize) {
        assert!(n <= self.batch, "{n} samples in a plan for {}", self.batch);
        let Plan {
            network,
            nodes,
            scratch,
            ..
        } = self;
        network.device().install(|| {
            for node in network.nodes().skip(1) {
                let (before, rest) = nodes.split_at_mut(node.index());
                let Some(buffers) = &mut rest[0] else {
                    continue;
                };
                let layer = network.layer(node);
                let x: SmallVec<[&[f32]; 4]> = layer
                    .inputs
                    .iter()
                    .map(|input| planned(before, *input).y.samples(n))
                    .collect();
                layer.op.forward(Forward {
                    n,
                    x: &x,
                    y: buffers.y.samples_mut(n),
                    saved: buffers.saved.samples_mut(n),
                    scratch,
                });
            }
        });
    }

    /// One layer's input gradient: overwrites each `dx` (one per input of
    /// `node`) with the gradient that `dy`, the cotangent of `node`'s output,
    /// causes there. Refers to the last [`Plan::forward`], which must have run
    /// at least `n` samples.
    pub fn backward(&self, node: NodeId, n: usize, dy: &Buffer, dx: &mut [&mut Buffer]) {
        let buffers = self.buffers(node);
        let layer = self.network.layer(node);
        let x: SmallVec<[&[f32]; 4]> = layer
            .inputs
            .iter()
            .map(|input| planned(&self.nodes, *input).y.samples(n))
            .collect();
        let mut dx: SmallVec<[&mut [f32]; 4]> = dx.iter_mut().map(|dx| dx.samples_mut(n)).collect();
        self.network.device().install(|| {
            layer.op.backward(Backward {
                n,
                x: &x,
                y: buffers.y.samples(n),
                dy: dy.samples(n),
                saved: buffers.saved.samples(n),
                scratch: &self.scratch,
                dx: &mut dx,
            });
        });
    }

    fn buffers(&self, node: NodeId) -> &NodeBuffers {
        planned(&self.nodes, node)
    }
}

fn planned(nodes: &[Option<NodeBuffers>], node: NodeId) -> &NodeBuffers {
    nodes[node.index()]
        .as_ref()
        .expect("only planned nodes are read")
}
