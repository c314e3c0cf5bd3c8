//! Buffers to run a network.

use std::sync::{Arc, Mutex};

use smallvec::SmallVec;

use crate::cuda::{Gpu, Memory};
use crate::ops::{self, Backward, Forward, LaunchBackward, LaunchForward, Op, Scratch};
use crate::values::Values;
use crate::{Buffer, Error, Network, NodeId, memory};

/// All buffers to run a network on up to a fixed number of samples, as deep as
/// its targets lie.
///
/// A ReLU whose input nobody else looks at is applied by the op that makes that
/// input, as it writes: the input is then no node of the plan.
#[derive(Debug)]
pub struct Plan {
    network: Network,
    batch: usize,
    /// Per node, how it is computed; `None` for a node that no target needs.
    nodes: Vec<Option<Planned>>,
    working: Working,
}

#[derive(Debug)]
struct Planned {
    step: Step,
    y: Buffer,
    saved: Values,
}

/// Working space of the ops, one after the other.
#[derive(Debug)]
enum Working {
    Cpu(Scratch),
    Cuda {
        gpu: Arc<Gpu>,
        shared: Mutex<Memory<f32>>,
    },
}

/// How a node is computed.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// The node whose op runs, on the inputs of that node.
    op: NodeId,
    /// The negative slope of a ReLU that follows.
    relu: Option<f32>,
}

/// The steps of all nodes that are needed.
fn steps(network: &Network, targets: &[NodeId]) -> Vec<Option<Step>> {
    let mut needed = vec![false; network.output().index() + 1];
    let mut readers = vec![0usize; needed.len()];
    needed[NodeId::INPUT.index()] = true;
    for &target in targets {
        needed[target.index()] = true;
        // Whoever asked for it reads it, too.
        readers[target.index()] += 1;
    }
    for node in network.nodes().rev() {
        if needed[node.index()] {
            for input in network.inputs(node) {
                needed[input.index()] = true;
                readers[input.index()] += 1;
            }
        }
    }
    let plain = |op: NodeId| needed[op.index()].then_some(Step { op, relu: None });
    let mut steps: Vec<Option<Step>> = network.nodes().map(plain).collect();
    for node in network.nodes().skip(1).filter(|node| needed[node.index()]) {
        let (relu, &[op, ..]) = (network.layer(node).op.relu(), network.inputs(node)) else {
            continue;
        };
        let hidden = op != NodeId::INPUT && readers[op.index()] == 1;
        if relu.is_some() && hidden && network.layer(op).op.fuses_relu() {
            steps[node.index()] = Some(Step { op, relu });
            steps[op.index()] = None;
        }
    }
    steps
}

impl Plan {
    /// Plans runs of at most `batch` samples that reach every target.
    ///
    /// # Errors
    /// [`Error::Memory`] where the buffers do not fit.
    pub fn new(network: &Network, batch: usize, targets: &[NodeId]) -> Result<Plan, Error> {
        let steps = steps(network, targets);
        let used = || {
            network
                .nodes()
                .zip(&steps)
                .filter_map(|(node, step)| Some((node, (*step)?)))
        };
        let saved_len = |step: Step| match step.op {
            NodeId::INPUT => 0,
            node => network.layer(node).op.saved(),
        };
        let check = |floats| {
            let what = || format!("running {} on {batch} samples", network.name());
            memory::check(network.device(), what, floats, memory::SMALLER_BATCH)
        };
        let buffers = used().try_fold(0_usize, |sum, (node, step)| {
            let sample = network.shape(node).len().checked_add(saved_len(step))?;
            sum.checked_add(sample.checked_mul(batch)?)
        });
        // The ops count their working memory without overflow only for a batch
        // whose buffers fit.
        check(buffers)?;
        let threads = network.device().threads();
        let most = |need: fn(&dyn Op, usize) -> usize| {
            let ops = used().filter(|(node, _)| *node != NodeId::INPUT);
            let needs = ops.map(|(_, step)| need(network.layer(step.op).op.as_ref(), batch));
            needs.max().unwrap_or(0)
        };
        let gpu = network.device().gpu();
        let lane = match gpu {
            None => most(|op, batch| op.scratch(batch)),
            Some(_) => 0,
        };
        let shared = most(|op, batch| op.shared(batch));
        let scratch = lane
            .checked_mul(threads)
            .and_then(|l| l.checked_add(shared));
        let all = buffers.zip(scratch).and_then(|(b, s)| b.checked_add(s));
        check(all)?;
        let plan = |(node, step): (NodeId, &Option<Step>)| {
            let Some(step) = *step else { return Ok(None) };
            Ok(Some(Planned {
                step,
                y: network.device().buffer(batch, network.shape(node))?,
                saved: Values::on(gpu, batch * saved_len(step))?,
            }))
        };
        let nodes: Result<_, Error> = network.nodes().zip(&steps).map(plan).collect();
        Ok(Plan {
            network: network.clone(),
            batch,
            nodes: nodes?,
            working: match gpu {
                None => Working::Cpu(Scratch::new(threads, lane, shared)),
                Some(gpu) => Working::Cuda {
                    gpu: Arc::clone(gpu),
                    shared: Mutex::new(Memory::new(gpu, shared)?),
                },
            },
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

    /// Whether a node is computed by this plan, and its activation kept.
    pub fn reaches(&self, node: NodeId) -> bool {
        self.nodes[node.index()].is_some()
    }

    /// The nodes of the plan that a node of the plan is computed from.
    pub fn inputs(&self, node: NodeId) -> &[NodeId] {
        self.network.inputs(self.planned(node).step.op)
    }

    /// The activation of a node that the plan reaches, as of the last
    /// [`Plan::forward`]. Targets are always reached.
    ///
    /// # Panics
    /// Where the plan does not reach it.
    pub fn activation(&self, node: NodeId) -> &Buffer {
        &self.planned(node).y
    }

    /// Computes every planned node from the first `n` samples of the input.
    ///
    /// # Panics
    /// Where `n` is beyond the batch.
    pub fn forward(&mut self, n: usize) {
        assert!(n <= self.batch, "{n} samples in a plan for {}", self.batch);
        let Plan {
            network,
            nodes,
            working,
            ..
        } = self;
        network.device().install(|| {
            for node in network.nodes().skip(1) {
                let (before, rest) = nodes.split_at_mut(node.index());
                if let Some(node) = &mut rest[0] {
                    compute(network, before, node, working, n);
                }
            }
        });
    }

    /// One node's input gradient: overwrites each `dx` (one per input of the
    /// node, see [`Plan::inputs`]) with the gradient that `dy`, the cotangent of
    /// the node's activation, causes there. Refers to the last
    /// [`Plan::forward`], which must have run at least `n` samples.
    ///
    /// A cotangent is *carried* when it has been taken through the ReLU that is
    /// a node's last step. `carried` says whether `dy` is; if not, it will be.
    /// `carry` asks for a `dx` that is, and is granted by [`Plan::carries`].
    pub fn backward(
        &self,
        node: NodeId,
        n: usize,
        dy: &mut Buffer,
        dx: &mut [&mut Buffer],
        [carried, carry]: [bool; 2],
    ) {
        let Planned { step, y, saved } = self.planned(node);
        let layer = self.network.layer(step.op);
        let x: SmallVec<[&Buffer; 4]> = layer
            .inputs
            .iter()
            .map(|input| &self.planned(*input).y)
            .collect();
        let device = self.network.device();
        let own = step.relu.filter(|_| !carried);
        let next = self.planned(layer.inputs[0]).step.relu;
        let relu = next.filter(|_| carry);
        match &self.working {
            Working::Cuda { gpu, shared } => {
                if let Some(slope) = own {
                    ops::launch_through_relu(gpu, n, slope, y, dy);
                }
                layer.op.launch_backward(LaunchBackward {
                    gpu,
                    n,
                    x: &x,
                    y,
                    dy,
                    saved: saved.memory(),
                    shared: &mut shared.lock().expect("no launch panics"),
                    dx,
                    relu,
                });
            }
            Working::Cpu(scratch) => device.install(|| {
                let instructions = device.instructions();
                if let Some(slope) = own {
                    ops::through_relu(instructions, slope, y.stored(n), dy.stored_mut(n));
                }
                let x: SmallVec<[&[f32]; 4]> = x.iter().map(|x| x.stored(n)).collect();
                let mut dx: SmallVec<[&mut [f32]; 4]> =
                    dx.iter_mut().map(|dx| dx.stored_mut(n)).collect();
                layer.op.backward(Backward {
                    n,
                    instructions,
                    x: &x,
                    y: y.stored(n),
                    dy: dy.stored(n),
                    saved: &saved.floats()[..n * layer.op.saved()],
                    scratch,
                    dx: &mut dx,
                    relu,
                });
            }),
        }
    }

    /// Whether [`Plan::backward`] of a node can carry its `dx`.
    pub fn carries(&self, node: NodeId) -> bool {
        let layer = self.network.layer(self.planned(node).step.op);
        match layer.inputs[..] {
            [input] => layer.op.fuses_relu() && self.planned(input).step.relu.is_some(),
            _ => false,
        }
    }

    fn planned(&self, node: NodeId) -> &Planned {
        planned(&self.nodes, node)
    }
}

fn planned(nodes: &[Option<Planned>], node: NodeId) -> &Planned {
    nodes[node.index()]
        .as_ref()
        .expect("only nodes of the plan are read: name them as targets")
}

/// Computes one node from those before it.
fn compute(
    network: &Network,
    before: &[Option<Planned>],
    node: &mut Planned,
    working: &mut Working,
    n: usize,
) {
    let Planned { step, y, saved } = node;
    let layer = network.layer(step.op);
    let inputs = layer.inputs.iter().map(|input| &planned(before, *input).y);
    match working {
        Working::Cuda { gpu, shared } => {
            let x: SmallVec<[&Buffer; 4]> = inputs.collect();
            layer.op.launch_forward(LaunchForward {
                gpu,
                n,
                x: &x,
                y,
                saved: saved.memory_mut(),
                shared: shared.get_mut().expect("no launch panics"),
                relu: step.relu,
            });
        }
        Working::Cpu(scratch) => {
            let x: SmallVec<[&[f32]; 4]> = inputs.map(|x| x.stored(n)).collect();
            layer.op.forward(Forward {
                n,
                instructions: network.device().instructions(),
                x: &x,
                y: y.stored_mut(n),
                saved: &mut saved.floats_mut()[..n * layer.op.saved()],
                scratch,
                relu: step.relu,
            });
        }
    }
}
