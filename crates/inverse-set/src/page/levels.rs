//! The page of a neuron's levels.

use std::path::{Path, PathBuf};

use askama::Template;

use super::frame::{Arranged, Frame, Group, Heading, Order, Told};
use super::gallery::{Entry, Gallery, MOST, Material};
use super::numbers::{count, decimals};
use super::range::NeuronPart;
use super::run::Selection;
use super::table::Table;
use super::words::encoder;
use super::{REPORT, command, save, words};
use crate::finished::Saved;
use crate::levels::{self, Recorded, Row};
use crate::pair::Pair;
use crate::record::StoredImages;
use crate::samples::Column;
use crate::{Error, Neuron};

#[derive(Template)]
#[template(path = "levels.html")]
struct Page<'a> {
    frame: Frame,
    arranged: Arranged<'a>,
    neuron: NeuronPart,
    table: Table,
}

/// A level that was sampled.
struct Level {
    index: usize,
    saved: Saved,
}

/// Writes the page of the levels in a directory, from what is saved there.
///
/// # Errors
/// Those of [`super::write_report`].
pub(crate) fn write(directory: &Path, pair: &Pair) -> Result<PathBuf, Error> {
    let recorded = levels::recorded(directory)?;
    let sampled = recorded.sampled();
    let level = |&index: &usize| {
        let saved = Saved::open(&directory.join(levels::folder(index)), pair)?;
        Ok(Level { index, saved })
    };
    let found = sampled
        .iter()
        .map(level)
        .collect::<Result<Vec<_>, Error>>()?;
    if found.is_empty() {
        return Err(recorded.refused(directory, "no level was sampled"));
    }
    let (material, all) = material(pair, &found)?;
    let gallery = Gallery::new(material)?;
    let page = Page::new(pair, &recorded, &found, &all, &gallery);
    save(directory, &page)
}

/// Pictures of every level, each in the order of activations, and the
/// activations of all samples.
fn material<'a>(pair: &'a Pair, found: &[Level]) -> Result<(Material<'a>, Vec<f32>), Error> {
    let most = (MOST / found.len()).max(1);
    let first = found[0].saved.finished(pair);
    let mut material = Material {
        pair,
        shape: first.samples.sizes().image,
        batch: first.options.batch,
        neurons: Vec::new(),
        entries: Vec::new(),
        images: Vec::new(),
        encodings: Vec::new(),
    };
    let mut all = Vec::new();
    for (place, Level { index, saved }) in found.iter().enumerate() {
        let finished = saved.finished(pair);
        let samples = finished.samples;
        let value = |i: usize| samples.floats(Column::Activations, i)[0];
        all.extend((0..samples.count()).map(value));
        let mut chosen = Selection::of(finished, most).chosen;
        chosen.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
        let names = crate::directory::ImageNames::new(samples.count());
        let folder = levels::folder(*index);
        material.entries.extend(chosen.iter().map(|&number| {
            Entry {
                name: format!("Sample {number} of level {index}"),
                origin: format!("level {index}"),
                group: place,
                file: (saved.run.images == StoredImages::Png)
                    .then(|| format!("{folder}/{}", names.name(number))),
                neuron: place,
                values: vec![value(number)],
            }
        }));
        material.images.append(&mut finished.images(&chosen)?);
        let encodings = chosen.iter().map(|&i| samples.floats(Column::Encodings, i));
        material.encodings.extend(encodings.flatten());
        material.neurons.push(saved.run.neurons[0].clone());
    }
    Ok((material, all))
}

impl<'a> Page<'a> {
    fn new(
        pair: &Pair,
        recorded: &Recorded,
        found: &[Level],
        all: &[f32],
        gallery: &'a Gallery,
    ) -> Page<'a> {
        let rows = &recorded.levels;
        let digits = rows.first().map_or(2, |row| decimals(row.hi - row.lo));
        let [lo, hi] = [
            rows.first().map(|row| row.lo),
            rows.last().map(|row| row.hi),
        ];
        let neuron = Neuron {
            lo: lo.unwrap_or(f64::NEG_INFINITY),
            hi: hi.unwrap_or(f64::INFINITY),
            ..recorded.request.neuron.clone()
        };
        let group = |(place, Level { index, .. }): (usize, &Level)| {
            let items = gallery.items.iter();
            let items = items.filter(|item| item.entry.group == place);
            Group {
                heading: Some(heading(*index, &rows[*index], digits)),
                items: items.collect(),
            }
        };
        let shown: Vec<f32> = gallery.items.iter().map(|item| item.value()).collect();
        let edges: Vec<f64> = rows.iter().skip(1).map(|row| row.lo).collect();
        let run = &found[0].saved.run;
        let as_files = run.images == StoredImages::Png;
        let told = Told {
            title: format!(
                "{}, {} levels",
                words::heading(std::slice::from_ref(&neuron)),
                rows.len()
            ),
            kind: "Levels of a neuron",
            heading: words::heading(std::slice::from_ref(&neuron)),
            lead: lead(&neuron, recorded, digits),
            orders: vec![
                Order::new("group", "level"),
                Order::new("value 0", "activation"),
            ],
            groups: found.iter().enumerate().map(group).collect(),
            note: chosen(shown.len(), all.len()) + &words::exactness(gallery.exact, as_files),
            encoder: encoder(&run.encoder),
            command: command::levels(&recorded.request),
            made: words::made(run),
        };
        let (frame, arranged) = told.framed(gallery);
        Page {
            frame,
            arranged,
            neuron: NeuronPart::new(pair, &neuron, &shown, all, &edges),
            table: table(rows, digits),
        }
    }
}

fn lead(neuron: &Neuron, recorded: &Recorded, digits: usize) -> String {
    let (n, place) = (recorded.levels.len(), words::place(neuron));
    let of = words::shown(&recorded.request.classifier.name);
    let (lo, hi) = (neuron.lo, neuron.hi);
    format!(
        "{n} levels of equal width, from an activation of {lo:.digits$} to {hi:.digits$} of {place} in {of}. In each of them images were sampled, as different from each other as could be found."
    )
}

/// How many of the samples are shown, if these are not all.
fn chosen(shown: usize, all: usize) -> String {
    match shown < all {
        true => format!("{} of {} samples. ", count(shown), count(all)),
        false => String::new(),
    }
}

fn heading(index: usize, row: &Row, digits: usize) -> Heading {
    let (lo, hi) = (row.lo, row.hi);
    Heading {
        title: format!("Level {index}"),
        facts: vec![format!("from {lo:.digits$} to {hi:.digits$}")],
        link: Some(format!("{}/{REPORT}", levels::folder(index))),
    }
}

fn table(rows: &[Row], digits: usize) -> Table {
    let row = |(index, row): (usize, &Row)| {
        let figure = |value: Option<f64>, digits: usize| match value {
            Some(value) => format!("{value:.digits$}"),
            None => "none".to_owned(),
        };
        let cells = vec![
            format!("{:.digits$} to {:.digits$}", row.lo, row.hi),
            match &row.missed {
                Some(why) => format!("missed: {}", words::shown(why)),
                None => count(row.samples),
            },
            figure(row.mean_pair_distance, 2),
            figure(row.evaluations_per_sample, 1),
        ];
        (format!("level {index}"), cells)
    };
    Table {
        about: "The levels".to_owned(),
        titles: vec![
            "",
            "activation",
            "samples",
            "mean distance",
            "evaluations per sample",
        ],
        rows: rows.iter().enumerate().map(row).collect(),
    }
}
