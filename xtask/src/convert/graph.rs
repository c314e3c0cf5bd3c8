//! Writing down graphs, most of whose layers follow one another.

use netfile::{
    Description, ImageEncoding, InnerProduct, Input, Layer, Op, Origin, Pool, PoolMethod, Relu,
    Rounding, VERSION,
};

/// A graph that grows at its end.
pub(super) struct Graph {
    input: Input,
    layers: Vec<Layer>,
}

impl Graph {
    /// Nothing but an input, with the shape of one sample.
    pub(super) fn new(input: &str, shape: &[usize]) -> Graph {
        let input = Input {
            name: input.into(),
            shape: shape.into(),
        };
        let layers = Vec::new();
        Graph { input, layers }
    }

    /// Adds a layer that reads the last one.
    pub(super) fn then(&mut self, name: &str, op: Op) {
        let last = self.layers.last().map_or(&self.input.name, |l| &l.name);
        let layer = Layer::new(name, op, &[last]);
        self.layers.push(layer);
    }

    /// Adds a layer that reads the named ones.
    pub(super) fn join(&mut self, name: &str, op: Op, inputs: &[&str]) {
        self.layers.push(Layer::new(name, op, inputs));
    }

    /// The description of the graph, without tables.
    pub(super) fn describe(self, name: &str, image: ImageEncoding, origin: Origin) -> Description {
        Description {
            version: VERSION,
            name: name.into(),
            input: self.input,
            image: Some(image),
            code: None,
            layers: self.layers,
            labels: Default::default(),
            quantiles: Default::default(),
            encoder: None,
            origin,
        }
    }
}

pub(super) fn inner_product(outputs: usize) -> Op {
    Op::InnerProduct(InnerProduct {
        outputs,
        bias: true,
    })
}

pub(super) fn relu(negative_slope: f32) -> Op {
    Op::Relu(Relu { negative_slope })
}

/// CaffeNet's pooling: the maximum over 3x3 in steps of 2, rounded up.
pub(super) fn overlapping_max_pool() -> Op {
    Op::Pool(Pool {
        method: PoolMethod::Max,
        kernel: [3, 3],
        stride: [2, 2],
        pad: [0, 0],
        rounding: Rounding::Ceil,
    })
}
