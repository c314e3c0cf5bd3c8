//! A net of Caffe as the graph of a network file.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use caffemodel::{Layer, Net};
use engine::{LayerShape, Shape};
use netfile::Input;

use super::input;
use super::ops::{self, Role, Weights};

/// A graph without weights.
#[derive(Debug)]
pub(super) struct Structure {
    pub(super) input: Input,
    pub(super) layers: Vec<netfile::Layer>,
    /// Shape of one sample of each layer.
    pub(super) shapes: Vec<Shape>,
    /// What the layers with tensors need, in the graph's order.
    pub(super) demands: Vec<Demand>,
    /// What was left out and why, in words.
    pub(super) left_out: Vec<String>,
}

/// The tensors of one layer.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) layer: String,
    pub(super) weights: Weights,
    /// Names without the layer's, and shapes.
    pub(super) tensors: Vec<(&'static str, Vec<usize>)>,
}

/// Translates every layer that computes something. `shape` is that of one
/// sample of the input; without it the net must tell.
pub(super) fn translate(net: &Net, shape: Option<&[usize]>) -> Result<Structure> {
    let name = input::name(net)?;
    let shape = match shape {
        Some(shape) => shape.to_vec(),
        None => input::shape(net, &name)?,
    };
    let of_input = Shape::new(&shape)
        .with_context(|| format!("input {name}: expected sizes above zero, found {shape:?}"))?;
    let mut builder = Builder {
        tops: HashMap::from([(name.clone(), Top::Node(0))]),
        nodes: vec![(name.clone(), of_input)],
        structure: Structure {
            input: Input { name, shape },
            layers: Vec::new(),
            shapes: Vec::new(),
            demands: Vec::new(),
            left_out: Vec::new(),
        },
    };
    for layer in &net.layers {
        builder
            .add(layer)
            .with_context(|| format!("layer {} ({})", layer.name, layer.kind))?;
    }
    let structure = builder.structure;
    ensure!(
        !structure.layers.is_empty(),
        "expected layers that compute something, found none; --prototxt gives the structure"
    );
    Ok(structure)
}

/// What a blob's name stands for at some point of the net.
enum Top {
    /// The input or a layer of the graph.
    Node(usize),
    /// It does not exist here; the words say why.
    LeftOut(String),
}

struct Builder {
    tops: HashMap<String, Top>,
    /// Names and shapes of the input and the layers so far.
    nodes: Vec<(String, Shape)>,
    structure: Structure,
}

impl Builder {
    fn add(&mut self, layer: &Layer) -> Result<()> {
        match ops::role(&layer.kind) {
            Role::Op => self.push(layer),
            Role::Alias => {
                let inputs = self.inputs(layer)?;
                let &node = inputs.first().context("expected a bottom, found none")?;
                for top in &layer.tops {
                    self.tops.insert(top.clone(), Top::Node(node));
                }
                Ok(())
            }
            Role::Source => Ok(()),
            Role::Training => {
                self.leave_out(layer, "for training only");
                Ok(())
            }
            Role::Unknown => {
                self.leave_out(layer, "no such op");
                Ok(())
            }
        }
    }

    fn push(&mut self, layer: &Layer) -> Result<()> {
        let inputs = self.inputs(layer)?;
        let shapes: Vec<Shape> = inputs.iter().map(|&i| self.nodes[i].1.clone()).collect();
        let (op, weights) = ops::translate(layer, &shapes)?;
        // The second bottom of a crop only says how large the result is.
        let read = match op {
            netfile::Op::Crop(_) => 1,
            _ => inputs.len(),
        };
        let names: Vec<&str> = inputs[..read]
            .iter()
            .map(|&i| self.nodes[i].0.as_str())
            .collect();
        let ours = netfile::Layer::new(&layer.name, op, &names);
        let shape = LayerShape::new(&ours, &shapes[..read])?;
        if !shape.tensors.is_empty() {
            self.structure.demands.push(Demand {
                layer: layer.name.clone(),
                weights,
                tensors: shape.tensors,
            });
        }
        let [top] = &layer.tops[..] else {
            bail!("expected one top, found {}", layer.tops.len());
        };
        self.tops.insert(top.clone(), Top::Node(self.nodes.len()));
        self.nodes.push((layer.name.clone(), shape.output.clone()));
        self.structure.layers.push(ours);
        self.structure.shapes.push(shape.output);
        Ok(())
    }

    fn inputs(&self, layer: &Layer) -> Result<Vec<usize>> {
        let nodes = layer
            .bottoms
            .iter()
            .map(|bottom| match self.tops.get(bottom) {
                Some(Top::Node(node)) => Ok(*node),
                Some(Top::LeftOut(why)) => bail!("reads {bottom}, made by {why}"),
                None => bail!("reads {bottom}, which no earlier layer makes"),
            });
        nodes.collect()
    }

    fn leave_out(&mut self, layer: &Layer, why: &str) {
        let words = format!("{} ({}): {why}", layer.name, layer.kind);
        for top in &layer.tops {
            self.tops.insert(top.clone(), Top::LeftOut(words.clone()));
        }
        self.structure.left_out.push(words);
    }
}
