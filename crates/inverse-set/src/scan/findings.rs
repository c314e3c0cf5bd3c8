//! What a scan found, and its files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::pictures::Pictures;
use super::{Scan, Seen};
use crate::Neuron;

/// Percentages of the quantiles that are told.
const LEVELS: [f64; 7] = [0.0, 5.0, 25.0, 50.0, 75.0, 95.0, 100.0];

/// What a scan found; besides the request, this is what `scan.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scanned {
    /// The directory with the results.
    #[serde(skip)]
    pub directory: PathBuf,
    /// Number of pictures that were looked at.
    pub pictures: usize,
    /// How many of them lie in all ranges.
    pub in_range: usize,
    /// Pictures and folders that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Number of files that are no pictures by their names.
    #[serde(rename = "other_files")]
    pub others: usize,
    /// Per neuron, over all pictures that were looked at.
    pub quantiles: Vec<Quantiles>,
    /// By the activation of the first neuron.
    #[serde(rename = "found")]
    entries: Vec<Entry>,
    /// What the neurons are called in a table.
    #[serde(skip)]
    columns: Vec<String>,
}

/// A picture or a folder that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Its path below the folder that was scanned.
    pub file: String,
    /// Why.
    pub cause: String,
}

/// Quantiles of a neuron's activation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// Percentages in increasing order.
    pub levels: Vec<f64>,
    /// The activation at each level, linear between pictures.
    pub values: Vec<f64>,
}

/// A picture that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Entry {
    #[serde(skip)]
    picture: usize,
    file: String,
    activations: Vec<f32>,
    in_range: bool,
}

impl Scan {
    pub(super) fn findings(&self, pictures: &Pictures, seen: Seen, directory: &Path) -> Scanned {
        let m = self.neurons.len();
        let rows = seen.pictures.iter().zip(seen.values.chunks_exact(m));
        let mut entries: Vec<Entry> = rows
            .map(|(&picture, values)| Entry {
                picture,
                file: pictures.name(picture),
                activations: values.to_vec(),
                in_range: self.neurons.iter().zip(values).all(holds),
            })
            .collect();
        entries.sort_by(|a, b| {
            let by_activation = a.activations[0].total_cmp(&b.activations[0]);
            by_activation.then(a.picture.cmp(&b.picture))
        });
        let (mut unreadable, others) = match pictures {
            Pictures::Files {
                unreadable, others, ..
            } => (unreadable.iter().map(folder).collect(), *others),
            Pictures::Tensor(_) => (Vec::new(), 0),
        };
        unreadable.extend(seen.unreadable);
        let columns = self.neurons.iter();
        Scanned {
            directory: directory.to_owned(),
            pictures: entries.len(),
            in_range: entries.iter().filter(|entry| entry.in_range).count(),
            unreadable,
            others,
            quantiles: (0..m)
                .map(|j| Quantiles::of(seen.values.iter().skip(j).step_by(m).copied()))
                .collect(),
            entries,
            columns: columns
                .map(|neuron| format!("{}:{}", neuron.layer, neuron.unit))
                .collect(),
        }
    }
}

/// Whether an activation lies in the closed range.
fn holds((neuron, &value): (&Neuron, &f32)) -> bool {
    (neuron.lo..=neuron.hi).contains(&f64::from(value))
}

fn folder((path, cause): &(PathBuf, String)) -> Unreadable {
    Unreadable {
        file: path.to_string_lossy().into_owned(),
        cause: cause.clone(),
    }
}

impl Quantiles {
    fn of(values: impl Iterator<Item = f32>) -> Quantiles {
        let mut values: Vec<f32> = values.collect();
        values.sort_by(f32::total_cmp);
        let at = |level: f64| {
            let place = level / 100.0 * (values.len() - 1) as f64;
            let [below, above] =
                [place.floor(), place.ceil()].map(|place| f64::from(values[place as usize]));
            below + place.fract() * (above - below)
        };
        Quantiles {
            levels: LEVELS.to_vec(),
            values: LEVELS.map(at).to_vec(),
        }
    }
}

impl Scanned {
    /// The numbers of at most so many pictures in range, evenly chosen in the
    /// order of the first neuron's activation.
    pub(super) fn shown(&self, most: usize) -> Vec<usize> {
        let inside: Vec<usize> = self
            .entries
            .iter()
            .filter(|entry| entry.in_range)
            .map(|entry| entry.picture)
            .collect();
        evenly(inside.len(), most).map(|i| inside[i]).collect()
    }

    /// `scan.csv`: a line for each picture, by activation.
    pub(super) fn table(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|name| quoted(name)).collect();
        let mut table = format!("file,{},in_range\n", columns.join(","));
        for entry in &self.entries {
            table.push_str(&quoted(&entry.file));
            for value in &entry.activations {
                write!(table, ",{value}").expect("text takes all");
            }
            writeln!(table, ",{}", entry.in_range).expect("text takes all");
        }
        table
    }
}

/// At most `most` of `n` numbers from 0 on, the first and the last among them
/// where there are two.
pub(crate) fn evenly(n: usize, most: usize) -> impl Iterator<Item = usize> {
    let count = n.min(most);
    (0..count).map(move |i| match count {
        1 => n / 2,
        _ => i * (n - 1) / (count - 1),
    })
}

/// A cell of a CSV file (RFC 4180).
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_linear_between_pictures() {
        let quantiles = Quantiles::of([4.0, 0.0, 2.0, 1.0, 3.0].into_iter());
        assert_eq!(quantiles.values, [0.0, 0.2, 1.0, 2.0, 3.0, 3.8, 4.0]);
        assert_eq!(Quantiles::of([7.0].into_iter()).values, [7.0; 7]);
    }

    #[test]
    fn few_of_many_are_chosen_evenly() {
        for (n, most, chosen) in [
            (0, 3, &[][..]),
            (2, 3, &[0, 1]),
            (9, 3, &[0, 4, 8]),
            (9, 1, &[4]),
        ] {
            assert_eq!(evenly(n, most).collect::<Vec<_>>(), chosen);
        }
    }

    #[test]
    fn names_of_files_cannot_break_a_table() {
        for (text, cell) in [("a b", "a b"), ("a,b", "\"a,b\""), ("a\"\n", "\"a\"\"\n\"")] {
            assert_eq!(quoted(text), cell);
        }
    }
}
