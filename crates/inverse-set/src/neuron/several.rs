//! Many neurons in one expression: `fc8:all`, `fc8:0..9=c25..c75`,
//! `conv5:0..63@max`.

use std::collections::HashSet;

use super::find_layer;
use crate::expression::{Parts, Written, complaint, parse_number};
use crate::{Error, Expression, Neuron, Pair};

impl Pair {
    /// The neurons that an expression means. Besides what an [`Expression`] may
    /// be, `LAYER:all` means every unit of a layer and `LAYER:A..B` those from A
    /// to B, both included; where a layer has planes, `LAYER:all@max` and
    /// `LAYER:A..B@mean` mean channels. What follows `=` holds for each of them.
    /// A label in quotes is never more than a label.
    ///
    /// # Errors
    /// [`Error::Request`] names what cannot be understood, or what the classifier
    /// does not have.
    pub fn neurons(&self, text: &str) -> Result<Vec<Neuron>, Error> {
        let (file, network) = (self.classifier(), self.classifier_network());
        let each =
            |text: &String| Neuron::resolve(&text.parse::<Expression>()?, text, file, network);
        expanded(text, self)?.iter().map(each).collect()
    }
}

/// The neurons that an expression means, each with an expression of its own.
///
/// # Errors
/// Those of [`Pair::neurons`], but the single neurons are not looked up.
pub(crate) fn expanded(text: &str, pair: &Pair) -> Result<Vec<String>, Error> {
    let Parts { layer, unit, range } = Parts::of(text)?;
    let Written::Plain(unit) = unit else {
        return Ok(vec![text.to_owned()]);
    };
    let (which, place) = match unit.split_once('@') {
        Some((which, _)) => (which, &unit[which.len()..]),
        None => (unit, ""),
    };
    let complain = |what: String| complaint(text, &what);
    let ends = match ends(which.trim()).map_err(complain)? {
        Which::One => return Ok(vec![text.to_owned()]),
        Which::All => None,
        Which::Between(ends) => Some(ends),
    };
    let shape =
        find_layer(layer, pair.classifier(), pair.classifier_network()).map_err(complain)?;
    let count = match *shape.dims() {
        [_, h, w] if place.is_empty() && h * w > 1 => {
            return Err(complain(format!(
                "a unit of {layer} ({shape}) is a whole channel or one at a row and a column; try {layer}:{unit}@max or {layer}:{unit}@mean"
            )));
        }
        [channels, _, _] => channels,
        _ => shape.len(),
    };
    let [first, last] = ends.unwrap_or([0, count - 1]);
    if first > last {
        return Err(complain(format!("{first} lies above {last}")));
    }
    if last >= count {
        let what = if place.is_empty() {
            "units"
        } else {
            "channels"
        };
        return Err(complain(format!(
            "{layer} has {count} {what}, 0 to {}; found {last}",
            count - 1
        )));
    }
    let range = range.map_or(String::new(), |range| format!("={range}"));
    let each = |unit| format!("{layer}:{unit}{place}{range}");
    Ok((first..=last).map(each).collect())
}

/// How many units are meant.
enum Which {
    One,
    All,
    /// From the first to the last.
    Between([usize; 2]),
}

fn ends(which: &str) -> Result<Which, String> {
    if which == "all" {
        return Ok(Which::All);
    }
    let numbers = which
        .split_once("..")
        .and_then(|(first, last)| Some([parse_number(first)?, parse_number(last)?]));
    match numbers {
        Some([first, last]) => Ok(Which::Between([first?, last?])),
        None => Ok(Which::One),
    }
}

/// Expressions that [`Pair::neurons`] reads as these neurons, in their order:
/// units that follow each other stand in one.
pub(crate) fn condensed(neurons: &[Neuron]) -> Vec<String> {
    let mut texts = Vec::new();
    // The run that the next unit may continue: what stands before and behind
    // its number, its first and its last unit.
    let mut run: Option<([&str; 2], [usize; 2])> = None;
    let written = |([before, behind], [first, last]): ([&str; 2], [usize; 2])| match first == last {
        true => format!("{before}{first}{behind}"),
        false => format!("{before}{first}..{last}{behind}"),
    };
    for neuron in neurons {
        let numbered = numbered(&neuron.expression);
        match (&mut run, numbered) {
            (Some((parts, [_, last])), Some((same, unit)))
                if *parts == same && unit == *last + 1 =>
            {
                *last = unit;
            }
            _ => {
                texts.extend(run.take().map(written));
                run = numbered.map(|(parts, unit)| (parts, [unit; 2]));
                if run.is_none() {
                    texts.push(neuron.expression.clone());
                }
            }
        }
    }
    texts.extend(run.map(written));
    texts
}

/// An expression of a unit by number, as `LAYER:`, what follows the number, and
/// the number.
fn numbered(text: &str) -> Option<([&str; 2], usize)> {
    let from = text.find(':')? + 1;
    let rest = &text[from..];
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, behind) = rest.split_at(digits);
    let unit: usize = number.parse().ok()?;
    let plain = behind.is_empty() || behind.starts_with(['@', '=']);
    // Leading zeros would be lost.
    (plain && unit.to_string() == number).then_some(([&text[..from], behind], unit))
}

/// # Errors
/// [`Error::Request`] names a neuron that is given twice.
pub(crate) fn distinct(neurons: &[Neuron]) -> Result<(), Error> {
    let mut seen = HashSet::new();
    // A negative zero is a zero.
    let ends = |neuron: &Neuron| [neuron.lo, neuron.hi].map(|end| (end + 0.0).to_bits());
    let key = |neuron: &Neuron| (neuron.name(), ends(neuron));
    match neurons.iter().find(|neuron| !seen.insert(key(neuron))) {
        Some(neuron) => Err(Error::Request(format!("{neuron} is given twice"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, pair};

    fn tiny() -> Pair {
        pair::tiny(&Device::cpu(Some(1)).unwrap())
    }

    fn texts(pair: &Pair, text: &str) -> Vec<String> {
        let neurons = pair.neurons(text).unwrap();
        neurons
            .into_iter()
            .map(|neuron| neuron.expression)
            .collect()
    }

    #[test]
    fn means_every_unit_with_the_same_range() {
        let pair = tiny();
        let all = texts(&pair, "fc8:all");
        assert_eq!(all.len(), pair.layer_shape("fc8").unwrap().len());
        assert_eq!(all[..2], ["fc8:0", "fc8:1"]);
        for (text, expected) in [
            ("fc8:1..2", &["fc8:1", "fc8:2"][..]),
            ("fc8:2..2=..5", &["fc8:2=..5"]),
            ("fc8:0..1=c25..c75", &["fc8:0=c25..c75", "fc8:1=c25..c75"]),
            (
                "conv5:1..2@max=8..",
                &["conv5:1@max=8..", "conv5:2@max=8.."],
            ),
            ("conv5:0..0@1,0=-1..1", &["conv5:0@1,0=-1..1"]),
            ("fc8:volcano", &["fc8:volcano"]),
        ] {
            assert_eq!(texts(&pair, text), expected, "{text}");
        }
        let channels = pair.layer_shape("conv5").unwrap().dims()[0];
        assert_eq!(texts(&pair, "conv5:all@mean=0..1").len(), channels);
    }

    #[test]
    fn refuses_what_is_not_there_and_what_is_only_a_label() {
        let pair = tiny();
        for (text, complaint) in [
            ("fc9:all", "no layer \"fc9\""),
            ("fc8:2..1", "2 lies above 1"),
            ("fc8:0..999", "0 to "),
            ("fc8:0..99999999999999999999", "too large"),
            ("conv5:all", "try conv5:all@max or conv5:all@mean"),
            ("conv5:0..999@max", "channels, 0 to "),
            ("conv5:all@median", "max, mean or a position"),
            ("fc8:all@max", "has"),
            ("fc8:all=5..1", "lies above"),
            ("fc8:\"all\"", "no unit with the label"),
            ("fc8:\"0..1\"", "no unit with the label"),
            ("fc8:0..", "no unit with the label"),
        ] {
            let error = pair.neurons(text).unwrap_err().to_string();
            assert!(error.contains(complaint), "{text}: {error}");
            assert_eq!(error.lines().count(), 1, "{text}: {error}");
        }
    }

    #[test]
    fn what_was_expanded_is_condensed_again() {
        let pair = tiny();
        let mut neurons = Vec::new();
        let asked = [
            "fc8:2",
            "fc8:0..1",
            "fc8:volcano=1..2",
            "fc8:0..2=c10..c90",
            "fc8:00=3..4",
            "conv5:0..2@max=1..2",
            "conv5:0..2@mean=1..2",
        ];
        for text in asked {
            neurons.extend(pair.neurons(text).unwrap());
        }
        let texts = condensed(&neurons);
        assert_eq!(texts, asked);
        assert_eq!(
            distinct(&neurons).map_err(|error| error.to_string()),
            Ok(())
        );
        neurons.push(pair.neurons("fc8:2").unwrap().remove(0));
        let error = distinct(&neurons).unwrap_err().to_string();
        assert!(error.ends_with("is given twice"), "{error}");
    }
}
