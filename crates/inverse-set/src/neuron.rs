//! Neurons: one number of a classifier and the range that it is driven into.

mod distribution;
mod names;
mod several;

use std::fmt::{self, Write as _};

use engine::{Network, Readout, Shape};
use netfile::{Label, NetworkFile};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use distribution::Distribution;
pub use names::did_you_mean;
pub(crate) use names::{did_you_mean_label, find_layer, search};
pub(crate) use several::{condensed, distinct, expanded};

use crate::{Error, Expression};

/// A neuron of a classifier and the closed range of its activation.
///
/// Two of them are equal if they are the same, however they were written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Neuron {
    /// The layer's name.
    pub layer: String,
    /// Which number of the layer.
    pub unit: Unit,
    /// The unit's label, where the layer has labels.
    pub label: Option<Label>,
    /// Lower end of the range; negative infinity where it is open, which JSON
    /// writes as null.
    #[serde(serialize_with = "write_end", deserialize_with = "read_lower_end")]
    pub lo: f64,
    /// Upper end of the range; infinity where it is open, which JSON writes as
    /// null.
    #[serde(serialize_with = "write_end", deserialize_with = "read_upper_end")]
    pub hi: f64,
    /// What was resolved, as it was written.
    pub expression: String,
}

/// Which number of a layer. Everything counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Unit {
    /// A unit of a layer that has no planes.
    Unit {
        /// Its number.
        index: usize,
    },
    /// A channel of a layer `[c, h, w]` at one position.
    Position {
        /// Channel.
        channel: usize,
        /// Row.
        y: usize,
        /// Column.
        x: usize,
    },
    /// The greatest value of a channel over its plane.
    Max {
        /// Channel.
        channel: usize,
    },
    /// The mean of a channel over its plane.
    Mean {
        /// Channel.
        channel: usize,
    },
}

impl Neuron {
    /// Looks up layer, unit and range in a classifier; `text` is what
    /// `expression` was parsed from.
    ///
    /// Without a range it is the middle half of the activations over the
    /// unit's own label (`c25..c75`) where the file tells them, `p75..p95`
    /// otherwise.
    ///
    /// # Errors
    /// [`Error::Request`] names what the classifier does not have, with the
    /// nearest names or the candidates; or says why the range is none.
    pub fn resolve(
        expression: &Expression,
        text: &str,
        file: &NetworkFile,
        network: &Network,
    ) -> Result<Neuron, Error> {
        let complain = |what| Error::Request(format!("neuron {text:?}: {what}"));
        let layer = expression.layer.as_str();
        let labels = file
            .description()
            .labels
            .get(layer)
            .map_or(&[][..], Vec::as_slice);
        let shape = find_layer(layer, file, network).map_err(complain)?;
        let unit = names::find_unit(&expression.unit, layer, shape, labels).map_err(complain)?;
        let label = match unit {
            Unit::Unit { index } => labels.get(index).cloned(),
            _ => None,
        };
        let distribution = Distribution::read(layer, unit, shape, file)?;
        let [lo, hi] =
            distribution::resolve_range(expression.range, label.is_some(), distribution.as_ref())
                .map_err(complain)?;
        Ok(Neuron {
            layer: layer.to_owned(),
            unit,
            label,
            lo,
            hi,
            expression: text.to_owned(),
        })
    }

    /// How the number is read from the layer's activation of the given shape.
    pub fn readout(&self, shape: &Shape) -> Readout {
        match self.unit {
            Unit::Max { channel } => Readout::Max(channel),
            Unit::Mean { channel } => Readout::Mean(channel),
            unit => Readout::Unit(unit.row(shape)),
        }
    }

    /// How the activation is distributed over the reference images that the
    /// classifier's file tells of; `None` where it has no such table.
    ///
    /// # Errors
    /// [`Error::Request`] where the table does not cover the neuron.
    pub fn distribution(
        &self,
        file: &NetworkFile,
        network: &Network,
    ) -> Result<Option<Distribution>, Error> {
        let shape = find_layer(&self.layer, file, network).map_err(Error::Request)?;
        Distribution::read(&self.layer, self.unit, shape, file)
    }

    /// The range as it would be written in an expression: `8.5..12`, `8..`.
    pub fn range(&self) -> String {
        format!("{}..{}", number(self.lo), number(self.hi))
    }

    /// Layer and unit as they would be written in an expression, by number:
    /// `fc8:980`, `conv5:3@max`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.layer, self.unit)
    }

    /// Neuron and range as a part of a file name: letters, digits, dots and
    /// hyphens.
    pub fn slug(&self) -> String {
        let unit = match self.unit {
            Unit::Unit { index } => index.to_string(),
            Unit::Position { channel, y, x } => format!("{channel}-at-{y}-{x}"),
            Unit::Max { channel } => format!("{channel}-max"),
            Unit::Mean { channel } => format!("{channel}-mean"),
        };
        let label = self.label.as_ref().map(|label| file_safe(&label.name));
        let parts = [
            Some(file_safe(&self.layer)),
            Some(unit),
            label,
            Some(self.range()),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        parts.join("-")
    }
}

impl Unit {
    /// Row of the unit in a table of its kind: its number in row-major order,
    /// or its channel where whole channels are read.
    fn row(self, shape: &Shape) -> usize {
        match self {
            Unit::Unit { index } => index,
            Unit::Max { channel } | Unit::Mean { channel } => channel,
            Unit::Position { channel, y, x } => {
                let [_, h, w] = shape.planes().expect("a position was found in planes");
                (channel * h + y) * w + x
            }
        }
    }
}

impl PartialEq for Neuron {
    fn eq(&self, other: &Neuron) -> bool {
        let key = |neuron: &Neuron| (neuron.unit, neuron.lo, neuron.hi);
        self.layer == other.layer && self.label == other.label && key(self) == key(other)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Unit { index } => write!(f, "{index}"),
            Unit::Position { channel, y, x } => write!(f, "{channel}@{y},{x}"),
            Unit::Max { channel } => write!(f, "{channel}@max"),
            Unit::Mean { channel } => write!(f, "{channel}@mean"),
        }
    }
}

impl fmt::Display for Neuron {
    /// Number, label and id: `fc8:980 (volcano, id n09472597)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", Shown(&self.layer), self.unit)?;
        match &self.label {
            Some(label) => write!(f, " ({}, id {})", Shown(&label.name), Shown(&label.id)),
            None => Ok(()),
        }
    }
}

/// Text of a file that a terminal must show and not obey.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .chars()
            .try_for_each(|character| match character.is_control() {
                true => write!(f, "{}", character.escape_default()),
                false => f.write_char(character),
            })
    }
}

/// The shortest decimal number that is read back as `end`, nothing for an
/// open end.
fn number(end: f64) -> String {
    if end.is_infinite() {
        return String::new();
    }
    let text = format!("{end:?}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Longest part of a file name that a layer or a label makes.
const LONGEST_PART: usize = 24;

/// Lower-case letters and digits, with one hyphen for anything between.
pub(crate) fn file_safe(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        if safe.len() == LONGEST_PART {
            break;
        } else if character.is_ascii_alphanumeric() {
            safe.push(character.to_ascii_lowercase());
        } else if !safe.is_empty() && !safe.ends_with('-') {
            safe.push('-');
        }
    }
    safe.trim_end_matches('-').to_owned()
}

fn write_end<S: Serializer>(end: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    end.is_finite().then_some(end).serialize(serializer)
}

fn read_lower_end<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NEG_INFINITY))
}

fn read_upper_end<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests;
