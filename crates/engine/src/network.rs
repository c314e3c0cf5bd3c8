//! A network with its weights.

use std::collections::HashMap;
use std::sync::Arc;

use netfile::{NetworkFile, Tensor};

use crate::ops::{self, Geometry, Op, Preparation};
use crate::{Device, Error, Shape, memory};

/// The input or a layer of a network: the input is node 0, layer `i` of the
/// description is node `i + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(usize);

impl NodeId {
    /// The input of every network.
    pub const INPUT: NodeId = NodeId(0);

    pub(crate) fn layer(i: usize) -> NodeId {
        NodeId(i + 1)
    }

    /// Position in topological order; the input's is 0.
    pub fn index(self) -> usize {
        self.0
    }
}

/// A network whose weights are prepared for a device. Cheap to clone; clones
/// share the weights.
#[derive(Clone, Debug)]
pub struct Network(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: Device,
    name: String,
    nodes: HashMap<String, NodeId>,
    shapes: Vec<Shape>,
    layers: Vec<Layer>,
}

#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub op: Arc<dyn Op>,
    pub inputs: Vec<NodeId>,
}

impl Network {
    /// Resolves every shape, checks every tensor against it, and only then
    /// reads weights.
    ///
    /// # Errors
    /// [`Error::Shape`] and [`Error::Weights`] name the layer, what was
    /// expected and what was found; [`Error::Memory`] where the weights do not
    /// fit.
    pub fn load(file: &NetworkFile, device: &Device) -> Result<Network, Error> {
        let description = file.description();
        let input = &description.input;
        let mut nodes = HashMap::from([(input.name.clone(), NodeId::INPUT)]);
        let mut shapes = vec![Shape::new(&input.shape).ok_or_else(|| {
            ops::Mismatch::new(
                "sizes above zero that fit in memory",
                format!("{:?}", input.shape),
            )
            .at(&input.name, "input")
        })?];
        let mut resolved = Vec::new();
        for (i, layer) in description.layers.iter().enumerate() {
            let inputs: Vec<NodeId> = layer.inputs.iter().map(|name| nodes[name]).collect();
            let input_shapes: Vec<Shape> =
                inputs.iter().map(|node| shapes[node.0].clone()).collect();
            let geometry = ops::resolve(&layer.op, &input_shapes)
                .map_err(|mismatch| mismatch.at(&layer.name, layer.op.name()))?;
            check_tensors(file, &layer.name, geometry.as_ref())?;
            shapes.push(geometry.output());
            nodes.insert(layer.name.clone(), NodeId::layer(i));
            resolved.push((geometry, inputs));
        }
        // A device says itself what it has no room for.
        if device.is_host() {
            check_memory(&description.name, &resolved, device)?;
        }
        let mut layers = Vec::new();
        for ((geometry, inputs), layer) in resolved.into_iter().zip(&description.layers) {
            let specs = geometry.tensors().into_iter();
            let tensors =
                specs.filter_map(|spec| file.share(&tensor_name(&layer.name, spec.suffix)));
            let from = Preparation {
                tensors: tensors.collect(),
                winograd: device.winograd(),
                gpu: device.gpu().cloned(),
            };
            let op = device.install_on_host(|| geometry.prepare(&from));
            let op = Arc::from(op.map_err(|cause| loading(cause, &description.name, device))?);
            layers.push(Layer { op, inputs });
        }
        Ok(Network(Arc::new(Inner {
            device: device.clone(),
            name: description.name.clone(),
            nodes,
            shapes,
            layers,
        })))
    }

    /// The part of the network that is computed from one node alone, with that
    /// node as its input, and where the nodes are that it has. Names stay, and
    /// the weights are shared.
    pub fn after(&self, node: NodeId) -> (Network, HashMap<NodeId, NodeId>) {
        let mut places = HashMap::from([(node, NodeId::INPUT)]);
        let mut shapes = vec![self.shape(node).clone()];
        let mut layers = Vec::new();
        for later in self.nodes().skip(node.index() + 1) {
            let inputs = self.inputs(later).iter();
            let inputs: Option<Vec<NodeId>> = inputs.map(|i| places.get(i).copied()).collect();
            let Some(inputs) = inputs else { continue };
            places.insert(later, NodeId::layer(layers.len()));
            shapes.push(self.shape(later).clone());
            let op = Arc::clone(&self.layer(later).op);
            layers.push(Layer { op, inputs });
        }
        let nodes = self.0.nodes.iter();
        let nodes = nodes.filter_map(|(name, at)| Some((name.clone(), *places.get(at)?)));
        let part = Network(Arc::new(Inner {
            device: self.0.device.clone(),
            name: self.0.name.clone(),
            nodes: nodes.collect(),
            shapes,
            layers,
        }));
        (part, places)
    }

    /// The node of that name: a layer, or the input.
    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.0.nodes.get(name).copied()
    }

    /// Shape of one sample of a node.
    pub fn shape(&self, node: NodeId) -> &Shape {
        &self.0.shapes[node.0]
    }

    /// The last layer.
    pub fn output(&self) -> NodeId {
        NodeId(self.0.layers.len())
    }

    /// All nodes in topological order, the input first.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..=self.0.layers.len()).map(NodeId)
    }

    /// The nodes that a node is computed from; none for the input.
    pub fn inputs(&self, node: NodeId) -> &[NodeId] {
        match node {
            NodeId::INPUT => &[],
            _ => &self.layer(node).inputs,
        }
    }

    /// The name in the network's description.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    pub(crate) fn layer(&self, node: NodeId) -> &Layer {
        &self.0.layers[node.0 - 1]
    }
}

fn tensor_name(layer: &str, suffix: &str) -> String {
    format!("{layer}.{suffix}")
}

fn check_tensors(file: &NetworkFile, layer: &str, geometry: &dyn Geometry) -> Result<(), Error> {
    for spec in geometry.tensors() {
        let tensor = tensor_name(layer, spec.suffix);
        let found = match file.tensor(&tensor) {
            Some(Tensor { shape, .. }) if shape[..] == spec.shape[..] => continue,
            Some(Tensor { shape, .. }) => format!("{shape:?}"),
            None => "none".to_owned(),
        };
        let expected = format!("{:?}", spec.shape);
        return Err(Error::Weights {
            tensor,
            expected,
            found,
        });
    }
    Ok(())
}

fn check_memory(
    name: &str,
    layers: &[(Box<dyn Geometry>, Vec<NodeId>)],
    device: &Device,
) -> Result<(), Error> {
    let floats = layers
        .iter()
        .flat_map(|(geometry, _)| geometry.tensors())
        .try_fold(0usize, |sum, spec| {
            let len = spec
                .shape
                .iter()
                .try_fold(1usize, |len, &d| len.checked_mul(d))?;
            sum.checked_add(len)
        });
    let what = || format!("loading the weights of {name}");
    memory::check(device, what, floats, "free some memory")
}

/// Says of which network a layer's weights do not fit, and where.
fn loading(cause: Error, name: &str, device: &Device) -> Error {
    match cause {
        Error::Memory {
            needed, available, ..
        } => Error::Memory {
            what: format!("loading weights of {name} to {device}"),
            needed,
            available,
            remedy: "run with --device cpu",
        },
        other => other,
    }
}
