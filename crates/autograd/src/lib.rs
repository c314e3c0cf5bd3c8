//! The reverse walk over a network: from cotangents at any set of nodes back
//! to its input.
//!
//! Weights are frozen, so the only gradient is the one with respect to the
//! input. The ops overwrite; all adding happens here.

use engine::{Buffer, NodeId, Plan};
use smallvec::SmallVec;

/// The buffers of a reverse walk over a [`Plan`].
///
/// One step: [`Gradient::clear`], [`Gradient::cotangent`] of every source that
/// takes part, [`Gradient::pull`].
#[derive(Debug)]
pub struct Gradient {
    /// Per planned node, the sum of the cotangents that reached it.
    nodes: Vec<Option<Buffer>>,
    /// Whether anything has reached the node since the last clear.
    reached: Vec<bool>,
    /// Per node and input of it: where its gradient lands first if the input
    /// also has other contributions, to be added to them.
    arrivals: Vec<SmallVec<[Option<Buffer>; 2]>>,
}

impl Gradient {
    /// Buffers for walks over `plan` from cotangents at `sources`.
    pub fn new(plan: &Plan, sources: &[NodeId]) -> Gradient {
        let network = plan.network();
        let buffer = |node: NodeId| Buffer::new(plan.batch(), network.shape(node).len());
        let planned = || network.nodes().filter(|&node| plan.reaches(node));
        let mut contributions = vec![0usize; network.output().index() + 1];
        for source in sources {
            contributions[source.index()] += 1;
        }
        for input in planned().flat_map(|node| network.inputs(node)) {
            contributions[input.index()] += 1;
        }
        let mut nodes: Vec<Option<Buffer>> = contributions.iter().map(|_| None).collect();
        let mut arrivals: Vec<SmallVec<_>> = nodes.iter().map(|_| SmallVec::new()).collect();
        for node in planned() {
            nodes[node.index()] = Some(buffer(node));
            arrivals[node.index()] = network
                .inputs(node)
                .iter()
                .map(|&input| (contributions[input.index()] > 1).then(|| buffer(input)))
                .collect();
        }
        Gradient {
            reached: vec![false; nodes.len()],
            nodes,
            arrivals,
        }
    }

    /// Forgets all cotangents.
    pub fn clear(&mut self) {
        self.reached.fill(false);
    }

    /// The cotangent of `node` for `n` samples, to be added to: zero if
    /// nothing was added since the last [`Gradient::clear`].
    pub fn cotangent(&mut self, node: NodeId, n: usize) -> &mut Buffer {
        let buffer = planned(&mut self.nodes[node.index()]);
        if !std::mem::replace(&mut self.reached[node.index()], true) {
            buffer.samples_mut(n).fill(0.0);
        }
        buffer
    }

    /// Walks back from all cotangents and returns the gradient with respect to
    /// the input of `sum over sources of <cotangent, activation>`, for the
    /// activations of the plan's last forward pass.
    pub fn pull(&mut self, plan: &Plan, n: usize) -> &Buffer {
        for node in plan.network().nodes().rev() {
            if node != NodeId::INPUT && self.reached[node.index()] {
                self.step(plan, node, n);
            }
        }
        self.cotangent(NodeId::INPUT, n)
    }

    /// Carries one node's cotangent to its inputs.
    fn step(&mut self, plan: &Plan, node: NodeId, n: usize) {
        let inputs = plan.network().inputs(node);
        let dy = self.nodes[node.index()]
            .take()
            .expect("a reached node is planned");
        let mut arrivals = std::mem::take(&mut self.arrivals[node.index()]);
        let mut direct: SmallVec<[Option<Buffer>; 2]> = inputs
            .iter()
            .zip(&arrivals)
            .map(|(input, arrival)| match arrival {
                Some(_) => None,
                None => self.nodes[input.index()].take(),
            })
            .collect();
        let mut dx: SmallVec<[&mut Buffer; 4]> = direct
            .iter_mut()
            .zip(&mut arrivals)
            .map(|(direct, arrival)| planned(if direct.is_some() { direct } else { arrival }))
            .collect();
        plan.backward(node, n, &dy, &mut dx);
        drop(dx);
        self.nodes[node.index()] = Some(dy);
        for ((input, direct), arrival) in inputs.iter().zip(direct).zip(&arrivals) {
            if let Some(arrival) = arrival {
                add(self.cotangent(*input, n).samples_mut(n), arrival.samples(n));
            } else {
                self.nodes[input.index()] = direct;
                self.reached[input.index()] = true;
            }
        }
        self.arrivals[node.index()] = arrivals;
    }
}

fn planned(buffer: &mut Option<Buffer>) -> &mut Buffer {
    buffer.as_mut().expect("only planned nodes have gradients")
}

fn add(sum: &mut [f32], terms: &[f32]) {
    for (sum, term) in sum.iter_mut().zip(terms) {
        *sum += term;
    }
}
