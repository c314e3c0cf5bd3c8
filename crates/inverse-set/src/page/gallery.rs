//! The pictures of a page, and what its script needs to know of them.

use std::collections::BTreeMap;

use askama::Template;
use sampler::figures::{self, plane};
use serde::Serialize;

use super::classes::{Class, Classes, classes};
use super::plots::Map;
use super::{likeness, numbers, pictures, words};
use crate::grid::representatives;
use crate::pair::Pair;
use crate::{Error, Neuron};

/// Most pictures on a page.
pub(super) const MOST: usize = 500;

/// Bytes that the pictures may have on a page of at most ten million.
const BUDGET: usize = 8_000_000;

/// Images that were measured, to be shown.
pub(super) struct Material<'a> {
    pub pair: &'a Pair,
    /// `[c, h, w]` of an image.
    pub shape: [usize; 3],
    /// Images that the classifier looks at together.
    pub batch: usize,
    /// What the activations belong to.
    pub neurons: Vec<Neuron>,
    /// What is told of each image.
    pub entries: Vec<Entry>,
    /// `[n, c, h, w]`, rounded to 8 bits.
    pub images: Vec<u8>,
    /// `[n, e]`
    pub encodings: Vec<f32>,
}

/// One of the images.
pub(super) struct Entry {
    /// What it is called, first in a sentence.
    pub name: String,
    /// Where it comes from.
    pub origin: String,
    /// The group that it is sorted into.
    pub group: usize,
    /// Path of its file, from the page on.
    pub file: Option<String>,
    /// The first of its neurons.
    pub neuron: usize,
    /// Activations of that neuron and those behind it.
    pub values: Vec<f32>,
}

/// The pictures.
pub(super) struct Gallery {
    pub items: Vec<Item>,
    /// What the activations belong to.
    pub neurons: Vec<Neuron>,
    /// Width and height of an image.
    pub size: [usize; 2],
    /// Whether the pictures are the images themselves.
    pub exact: bool,
    /// Where the items lie in the plane of most variance, and its shares of it.
    pub plane: figures::Plane,
    /// `[n, e]`
    encodings: Vec<f32>,
    neighbours: Vec<Vec<u16>>,
    /// The layer that names them, and the names that occur.
    classes: Option<(String, BTreeMap<usize, String>)>,
}

/// A picture on the page.
#[derive(Template)]
#[template(path = "picture.html")]
pub(super) struct Item {
    /// Its place on the page.
    pub index: usize,
    pub entry: Entry,
    /// Its activations as they are printed.
    pub texts: Vec<String>,
    /// Width and height.
    size: [usize; 2],
    /// The picture as a `data:` address.
    address: String,
    classes: Vec<Class>,
}

impl Item {
    /// The activation of its first neuron.
    pub(super) fn value(&self) -> f32 {
        self.entry.values[0]
    }

    /// What a screen reader says of the picture.
    fn description(&self) -> String {
        let activations = self.texts.join(", ");
        format!("{}, activation {activations}", self.entry.name)
    }
}

impl Gallery {
    /// Looks at the images, at least one and at most [`MOST`], and makes
    /// pictures of them.
    ///
    /// # Errors
    /// [`Error::Sampler`] for encodings that are not finite, and what the
    /// classifier's pass can fail with.
    pub(super) fn new(material: Material<'_>) -> Result<Gallery, Error> {
        let classes = classes(material.pair, material.batch, &material.images)?;
        let Material {
            shape,
            neurons,
            entries,
            images,
            encodings,
            ..
        } = material;
        let n = entries.len();
        let len = shape.iter().product();
        let image = |i: usize| Ok((images[i * len..][..len].to_vec(), shape));
        let pictures = pictures::fit(n, BUDGET, &image)?;
        let dim = encodings.len() / n;
        let plane = plane(&encodings, dim).ok_or_else(|| {
            Error::Sampler("drawing the map of the report: encodings that are not finite".into())
        })?;
        let decimals = decimals(&neurons, &entries);
        let [_, height, width] = shape;
        let item = |((index, entry), address): ((usize, Entry), String)| {
            let values = entry.values.iter().zip(&decimals[entry.neuron..]);
            Item {
                index,
                texts: values
                    .map(|(value, &decimals)| format!("{value:.decimals$}"))
                    .collect(),
                size: [width, height],
                address,
                classes: classes
                    .as_ref()
                    .map_or_else(Vec::new, |classes| classes.top[index].clone()),
                entry,
            }
        };
        let addresses = pictures.addresses.into_iter();
        let items = entries.into_iter().enumerate().zip(addresses).map(item);
        Ok(Gallery {
            items: items.collect(),
            neurons,
            size: [width, height],
            exact: pictures.exact,
            plane,
            neighbours: likeness::neighbours(&encodings, dim),
            encodings,
            classes: classes.map(|classes| occurring(&classes)),
        })
    }

    /// Items in the order of their neurons, and of their activations in that.
    pub(super) fn by_value(&self, items: impl Iterator<Item = usize>) -> Vec<&Item> {
        let mut items: Vec<&Item> = items.map(|i| &self.items[i]).collect();
        items.sort_by(|a, b| {
            let neuron = a.entry.neuron.cmp(&b.entry.neuron);
            neuron.then(a.value().total_cmp(&b.value()))
        });
        items
    }

    /// Items that are far from each other, at most so many.
    pub(super) fn far_apart(&self, most: usize) -> Vec<&Item> {
        self.by_value(representatives(&self.encodings, self.items.len(), most).into_iter())
    }

    /// The items in the plane; the darker, the greater the first activation.
    pub(super) fn map(&self) -> Map {
        let values = self.items.iter().map(|item| f64::from(item.value()));
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let extent = values.clone().fold(f64::NEG_INFINITY, f64::max) - least;
        let tone = |value: f64| match extent > 0.0 {
            true => (value - least) / extent,
            false => 1.0,
        };
        let names: Vec<String> = self.items.iter().map(Item::description).collect();
        let tones: Vec<f64> = values.map(tone).collect();
        Map::new(&self.plane.points, &names, &tones)
    }

    /// What the script needs to know. No text in it can end the element that it
    /// stands in.
    pub(super) fn data(&self) -> String {
        let neurons = self.neurons.iter().enumerate();
        let data = Data {
            neurons: neurons.map(|(j, neuron)| self.neuron(neuron, j)).collect(),
            classes: self
                .classes
                .as_ref()
                .map(|(layer, names)| ClassesData { layer, names }),
            samples: self.items.iter().map(sample).collect(),
            neighbours: likeness::packed(&self.neighbours),
        };
        let text = serde_json::to_string(&data).expect("what is shown is plain");
        text.replace('<', "\\u003c")
    }

    fn neuron(&self, neuron: &Neuron, j: usize) -> NeuronData {
        let values = self.items.iter().filter_map(|item| {
            let place = j.checked_sub(item.entry.neuron)?;
            item.entry.values.get(place).map(|&value| f64::from(value))
        });
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let greatest = values.fold(f64::NEG_INFINITY, f64::max);
        // An open end is drawn at the outermost sample.
        let ends = [(neuron.lo, least), (neuron.hi, greatest)];
        NeuronData {
            name: words::name(neuron),
            place: words::place(neuron),
            range: words::range(neuron),
            ends: ends.map(|(end, sample)| if end.is_finite() { end } else { sample }),
        }
    }
}

/// With how many decimals activations are printed, per neuron.
fn decimals(neurons: &[Neuron], entries: &[Entry]) -> Vec<usize> {
    let decimals = |(j, neuron): (usize, &Neuron)| {
        let values = entries.iter().filter_map(|entry| {
            let place = j.checked_sub(entry.neuron)?;
            entry.values.get(place).copied()
        });
        words::value_decimals(neuron, &values.collect::<Vec<f32>>())
    };
    neurons.iter().enumerate().map(decimals).collect()
}

/// The layer of the labels, and those that an image has.
fn occurring(classes: &Classes<'_>) -> (String, BTreeMap<usize, String>) {
    let indices = classes.top.iter().flatten().map(|class| class.index);
    let name = |index: usize| (index, words::shown(&classes.labels[index].name));
    (words::shown(classes.layer), indices.map(name).collect())
}

#[derive(Serialize)]
struct Data<'a> {
    neurons: Vec<NeuronData>,
    classes: Option<ClassesData<'a>>,
    samples: Vec<SampleData<'a>>,
    /// See [`likeness::packed`].
    neighbours: String,
}

#[derive(Serialize)]
struct NeuronData {
    name: String,
    place: String,
    range: String,
    ends: [f64; 2],
}

#[derive(Serialize)]
struct ClassesData<'a> {
    layer: &'a str,
    names: &'a BTreeMap<usize, String>,
}

#[derive(Serialize)]
struct SampleData<'a> {
    name: &'a str,
    origin: &'a str,
    group: usize,
    file: Option<&'a str>,
    neuron: usize,
    values: &'a [f32],
    texts: &'a [String],
    /// Number of the label, value, share and its text.
    classes: Vec<(usize, String, f32, String)>,
}

fn sample(item: &Item) -> SampleData<'_> {
    let class = |class: &Class| {
        let share = numbers::percent(class.share);
        let value = format!("{:.2}", class.value);
        (class.index, value, class.share as f32, share)
    };
    let entry = &item.entry;
    SampleData {
        name: &entry.name,
        origin: &entry.origin,
        group: entry.group,
        file: entry.file.as_deref(),
        neuron: entry.neuron,
        values: &entry.values,
        texts: &item.texts,
        classes: item.classes.iter().map(class).collect(),
    }
}
