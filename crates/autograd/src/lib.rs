//! The reverse walk over a network: from cotangents at any set of nodes back
//! to its input.
//!
//! Weights are frozen, so the only gradient is the one with respect to the
//! input. The ops overwrite; all adding happens here.

mod slots;

use engine::{Buffer, Error, NodeId, Plan, Shape};
use slots::Slots;
use smallvec::SmallVec;

/// The buffers of a reverse walk over a [`Plan`].
///
/// One step: [`Gradient::clear`], [`Gradient::cotangent`] of every source that
/// takes part, [`Gradient::pull`].
#[derive(Debug)]
pub struct Gradient {
    slots: Slots,
    /// Per node that is on the way from a source to the input.
    nodes: Vec<Option<Walked>>,
    /// Whether anything has reached the node since the last clear.
    reached: Vec<bool>,
}

#[derive(Debug)]
struct Walked {
    shape: Shape,
    /// Where the sum of the cotangents that reached the node is kept.
    slot: usize,
    inputs: SmallVec<[Edge; 2]>,
    /// Whether what reaches the node was carried through its last ReLU, and
    /// whether what it causes at its input is to be.
    carried: [bool; 2],
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    to: NodeId,
    /// Where the gradient lands first if the input also has other
    /// contributions, to be added to them.
    arrival: Option<usize>,
}

impl Gradient {
    /// Buffers for walks over `plan` from cotangents at `sources`.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no room for them.
    pub fn new(plan: &Plan, sources: &[NodeId]) -> Result<Gradient, Error> {
        let network = plan.network();
        let count = network.output().index() + 1;
        let mut contributions = vec![0usize; count];
        for source in sources {
            contributions[source.index()] += 1;
        }
        let walk: Vec<NodeId> = network
            .nodes()
            .rev()
            .filter(|node| {
                let walked = contributions[node.index()] > 0;
                if walked && *node != NodeId::INPUT {
                    for input in plan.inputs(*node) {
                        contributions[input.index()] += 1;
                    }
                }
                walked || *node == NodeId::INPUT
            })
            .collect();
        let len = |node: NodeId| network.shape(node).len();
        let mut slots = Slots::new(plan.batch());
        let mut places: Vec<Option<usize>> = vec![None; count];
        for &source in sources {
            places[source.index()].get_or_insert_with(|| slots.take(len(source)));
        }
        let mut nodes: Vec<Option<Walked>> = (0..count).map(|_| None).collect();
        let mut carried = vec![false; count];
        for node in walk {
            let slot = *places[node.index()].get_or_insert_with(|| slots.take(len(node)));
            let inputs = match node {
                NodeId::INPUT => &[][..],
                _ => plan.inputs(node),
            };
            let edges: SmallVec<[Edge; 2]> = inputs
                .iter()
                .map(|&to| {
                    places[to.index()].get_or_insert_with(|| slots.take(len(to)));
                    let shared = contributions[to.index()] > 1;
                    let arrival = shared.then(|| slots.take(len(to)));
                    Edge { to, arrival }
                })
                .collect();
            let carry = match edges[..] {
                [Edge { to, arrival: None }] if plan.carries(node) => {
                    carried[to.index()] = true;
                    true
                }
                _ => false,
            };
            edges
                .iter()
                .filter_map(|edge| edge.arrival)
                .for_each(|slot| slots.free(slot));
            if node != NodeId::INPUT {
                slots.free(slot);
            }
            nodes[node.index()] = Some(Walked {
                shape: network.shape(node).clone(),
                slot,
                inputs: edges,
                carried: [carried[node.index()], carry],
            });
        }
        slots.allocate(network.device())?;
        Ok(Gradient {
            slots,
            nodes,
            reached: vec![false; count],
        })
    }

    /// Forgets all cotangents.
    pub fn clear(&mut self) {
        self.reached.fill(false);
    }

    /// The cotangent of a source for `n` samples, to be added to: zero if
    /// nothing was added since the last [`Gradient::clear`]. It has the shape of
    /// the node's activation.
    ///
    /// # Panics
    /// Where the node is no source and none is computed from it.
    pub fn cotangent(&mut self, node: NodeId, n: usize) -> &mut Buffer {
        let Walked { slot, shape, .. } = walked(&self.nodes, node);
        let buffer = self.slots.buffer(*slot);
        if !std::mem::replace(&mut self.reached[node.index()], true) {
            buffer.reshape(shape);
            buffer.fill(n, 0.0);
        }
        buffer
    }

    /// Walks back from all cotangents and returns the gradient with respect to
    /// the input of `sum over sources of <cotangent, activation>`, for the
    /// first `n` samples of the plan's last forward pass: `n` samples of the
    /// input's shape.
    pub fn pull(&mut self, plan: &Plan, n: usize) -> &Buffer {
        plan.network().device().install(|| {
            for node in plan.network().nodes().rev() {
                if node != NodeId::INPUT && self.reached[node.index()] {
                    self.step(plan, node, n);
                }
            }
        });
        self.cotangent(NodeId::INPUT, n)
    }

    /// Carries one node's cotangent to its inputs.
    fn step(&mut self, plan: &Plan, node: NodeId, n: usize) {
        let of = walked(&self.nodes, node);
        let (slot, inputs) = (of.slot, of.inputs.clone());
        let mut dy = self.slots.lend(slot);
        let mut dx: SmallVec<[Buffer; 2]> = inputs
            .iter()
            .map(|edge| {
                let to = walked(&self.nodes, edge.to);
                let mut dx = self.slots.lend(edge.arrival.unwrap_or(to.slot));
                dx.reshape(&to.shape);
                dx
            })
            .collect();
        let mut lent: SmallVec<[&mut Buffer; 4]> = dx.iter_mut().collect();
        plan.backward(node, n, &mut dy, &mut lent, of.carried);
        drop(lent);
        self.slots.give_back(slot, dy);
        for (edge, dx) in inputs.iter().zip(dx) {
            if let Some(arrival) = edge.arrival {
                self.cotangent(edge.to, n).add(n, &dx);
                self.slots.give_back(arrival, dx);
            } else {
                let to = walked(&self.nodes, edge.to);
                self.slots.give_back(to.slot, dx);
                self.reached[edge.to.index()] = true;
            }
        }
    }
}

fn walked(nodes: &[Option<Walked>], node: NodeId) -> &Walked {
    let walked = nodes[node.index()].as_ref();
    walked.expect("only nodes between a source and the input have gradients")
}
