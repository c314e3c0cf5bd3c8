//! The page of an atlas: a card for each neuron.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use askama::Template;

use super::frame::{Frame, is_small, policy};
use super::numbers::{count, decimals};
use super::pictures::{self, Picture};
use super::run::Selection;
use super::words::Made;
use super::{REPORT, command, save, words};
use crate::atlas::{self, AtlasRecord, Recorded, Row};
use crate::finished::Saved;
use crate::neuron::condensed;
use crate::pair::Pair;
use crate::samples::Column;
use crate::{Error, Neuron};

const STYLE: &str = concat!(
    include_str!("../../templates/report.css"),
    include_str!("../../templates/atlas.css")
);
const SCRIPT: &str = include_str!("../../templates/atlas.js");

/// Most neurons on a page: a layer of CaffeNet's has 4,096.
const MOST: usize = 4_096;

/// Samples of a neuron that are shown.
const PICTURES: usize = 6;

/// Bytes that the pictures may have on a page of at most ten million.
const BUDGET: usize = 7_000_000;

/// Most expressions in the command that makes an atlas again.
const MOST_NAMED: usize = 8;

/// The file that the command names where there are more.
const LIST: &str = "neurons.txt";

#[derive(Template)]
#[template(path = "atlas.html")]
struct Page {
    frame: Frame,
    note: String,
    layers: Vec<Layer>,
    /// Name and text of the file that the command names.
    list: Option<(&'static str, String)>,
}

/// The neurons of a layer.
struct Layer {
    name: String,
    cards: Vec<Card>,
}

/// A neuron.
struct Card {
    name: String,
    /// Layer and unit.
    place: String,
    range: String,
    /// Where the range begins and ends, for sorting; none of an open end.
    ends: [Option<f64>; 2],
    state: State,
}

/// What is known of a neuron.
enum State {
    Sampled {
        strip: Strip,
        samples: String,
        distance: f64,
        evaluations: f64,
    },
    /// Why there are no samples.
    Missed(String),
    Waiting,
}

/// Samples side by side in one picture.
struct Strip {
    /// The neuron's number.
    index: usize,
    /// The page of its run.
    link: String,
    /// `data:` address.
    address: String,
    columns: usize,
    /// Width and height.
    size: [usize; 2],
}

/// Writes the page of the atlas in a directory, from what is saved there. One
/// neuron after the other is read: what stays in memory is the page.
///
/// # Errors
/// Those of [`super::write_report`].
pub(crate) fn write(directory: &Path, pair: &Pair) -> Result<PathBuf, Error> {
    let recorded = atlas::recorded(directory)?;
    let request = &recorded.request;
    let sampled = recorded.sampled().take_while(|(index, _)| *index < MOST);
    let shown = sampled.map(|(index, folder)| Shown::find(index, folder, directory, pair));
    let shown: Vec<Shown> = shown.collect::<Result<_, Error>>()?;
    let pictures = pictures::fit(shown.len(), BUDGET, &|i| shown[i].strip(directory, pair))?;
    let [_, height, width] = pair.image_shape()?;
    let (command, list) = command(request);
    let page = Page {
        frame: Frame {
            policy: policy(STYLE, SCRIPT),
            style: STYLE,
            script: SCRIPT,
            title: format!("{}, an atlas", heading(&request.neurons)),
            kind: "Atlas",
            heading: heading(&request.neurons),
            lead: lead(&recorded),
            small: is_small([width, height]),
            command,
            made: made(request, &shown),
        },
        note: note(request, pictures.exact),
        list,
        layers: layers(
            &recorded,
            strips(shown, pictures.addresses, [width, height]),
        ),
    };
    save(directory, &page)
}

/// A neuron with samples to be shown.
struct Shown {
    index: usize,
    folder: String,
    /// Samples that are far from each other, from low to high.
    chosen: Vec<usize>,
    instruction_set: String,
}

impl Shown {
    fn find(index: usize, folder: String, directory: &Path, pair: &Pair) -> Result<Shown, Error> {
        let saved = Saved::open(&directory.join(&folder), pair)?;
        let value = |i: usize| saved.samples.floats(Column::Activations, i)[0];
        let mut chosen = Selection::of(saved.finished(pair), PICTURES).chosen;
        chosen.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
        Ok(Shown {
            index,
            folder,
            chosen,
            instruction_set: saved.run.instruction_set,
        })
    }

    /// The samples side by side.
    fn strip(&self, directory: &Path, pair: &Pair) -> Result<Picture, Error> {
        let saved = Saved::open(&directory.join(&self.folder), pair)?;
        let images = saved.finished(pair).images(&self.chosen)?;
        Ok(side_by_side(&images, saved.samples.sizes().image))
    }
}

/// Images `[n, c, h, w]` as one, `[c, h, n w]`.
fn side_by_side(images: &[u8], [c, h, w]: [usize; 3]) -> Picture {
    let mut strip = Vec::with_capacity(images.len());
    for row in 0..c * h {
        for image in images.chunks_exact(c * h * w) {
            strip.extend_from_slice(&image[row * w..][..w]);
        }
    }
    let width = strip.len() / (c * h);
    (strip, [c, h, width])
}

fn strips(shown: Vec<Shown>, addresses: Vec<String>, [width, height]: [usize; 2]) -> Vec<Strip> {
    let strip = |(shown, address): (Shown, String)| Strip {
        index: shown.index,
        link: format!("{}/{REPORT}", shown.folder),
        address,
        columns: shown.chosen.len(),
        size: [shown.chosen.len() * width, height],
    };
    shown.into_iter().zip(addresses).map(strip).collect()
}

/// The neurons by layer, the first one's first.
fn layers(recorded: &Recorded, strips: Vec<Strip>) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut strips = strips.into_iter().peekable();
    for (index, neuron) in recorded.request.neurons.iter().take(MOST).enumerate() {
        let strip = strips.next_if(|strip| strip.index == index);
        let card = card(neuron, recorded.row(index), strip);
        let name = words::shown(&neuron.layer);
        match layers.iter_mut().find(|layer| layer.name == name) {
            Some(layer) => layer.cards.push(card),
            None => layers.push(Layer {
                name,
                cards: vec![card],
            }),
        }
    }
    layers
}

fn card(neuron: &Neuron, row: Option<&Row>, strip: Option<Strip>) -> Card {
    let state = match (row, strip) {
        (Some(row), Some(strip)) => State::Sampled {
            strip,
            samples: count(row.samples),
            distance: row.mean_pair_distance.unwrap_or(0.0),
            evaluations: row.evaluations_per_sample.unwrap_or(0.0),
        },
        (Some(row), None) => State::Missed(words::shown(row.missed.as_deref().unwrap_or("?"))),
        (None, _) => State::Waiting,
    };
    Card {
        name: words::name(neuron),
        place: words::place(neuron),
        range: range(neuron),
        ends: [neuron.lo, neuron.hi].map(|end| end.is_finite().then_some(end)),
        state,
    }
}

/// The range, as exactly as a card needs it.
fn range(neuron: &Neuron) -> String {
    let (lo, hi) = (neuron.lo, neuron.hi);
    match (hi - lo).is_finite() {
        true => {
            let digits = decimals(hi - lo);
            format!("from {lo:.digits$} to {hi:.digits$}")
        }
        false => words::range(neuron),
    }
}

fn heading(neurons: &[Neuron]) -> String {
    let layers: BTreeSet<&str> = neurons.iter().map(|neuron| neuron.layer.as_str()).collect();
    match (neurons.len(), layers.first()) {
        // More would be no heading.
        (..=3, _) => words::heading(neurons),
        (many, Some(layer)) if layers.len() == 1 => {
            format!("{} neurons of {}", count(many), words::shown(layer))
        }
        (many, _) => format!("{} neurons of {} layers", count(many), layers.len()),
    }
}

fn lead(recorded: &Recorded) -> String {
    let request = &recorded.request;
    let images = match &request.generator {
        Some(generator) => format!("made by {}", words::shown(&generator.name)),
        None => "searched for among the pixels".to_owned(),
    };
    let each = match request.samples {
        1 => format!("one image, {images}"),
        n => format!(
            "{} images, {images}, as different from each other as could be found",
            count(n)
        ),
    };
    let rows = (0..request.count()).map(|index| recorded.row(index));
    let [mut waiting, mut missed] = [0; 2];
    for row in rows {
        match row {
            None => waiting += 1,
            Some(row) => missed += usize::from(row.missed.is_some()),
        }
    }
    let mut lead = format!(
        "What drives each of these neurons of {} into a range of its activations: {each}.",
        words::shown(&request.classifier.name)
    );
    for (number, what) in [
        (missed, "could not be driven there"),
        (waiting, "not sampled yet"),
    ] {
        if number > 0 {
            let are = match what {
                "not sampled yet" if number == 1 => "is ",
                "not sampled yet" => "are ",
                _ => "",
            };
            lead += &format!(" {} {are}{what}.", count(number));
        }
    }
    lead
}

fn note(request: &AtlasRecord, exact: bool) -> String {
    let columns = request.samples.min(PICTURES);
    let chosen = match columns {
        1 => String::new(),
        _ if columns == request.samples => {
            "Samples stand in the order of their activations, the lowest first. ".to_owned()
        }
        _ => format!(
            "{columns} of {} samples are shown, far from each other, in the order of their activations. ",
            count(request.samples)
        ),
    };
    let some = match request.count() > MOST {
        true => format!(
            "Only the first {} neurons are on this page; all are in atlas.json. ",
            count(MOST)
        ),
        false => String::new(),
    };
    let encoder = words::encoder(&request.encoder);
    format!(
        "{some}{chosen}Diversity is the mean distance of two samples in {encoder}; evaluations are what a sample cost, in passes forward and back through the networks. {}",
        words::exactness(exact, false)
    )
}

/// The command, and the name and text of the file that it names.
fn command(request: &AtlasRecord) -> (String, Option<(&'static str, String)>) {
    let texts = condensed(&request.neurons);
    match texts.len() > MOST_NAMED {
        false => (command::atlas(request, &texts), None),
        true => {
            let lines = texts.iter().map(|text| words::shown(text) + "\n");
            let list = (LIST, lines.collect());
            (command::atlas(request, &[LIST.to_owned()]), Some(list))
        }
    }
}

fn made(request: &AtlasRecord, shown: &[Shown]) -> Vec<Made> {
    let machines: BTreeSet<&str> = shown
        .iter()
        .map(|shown| shown.instruction_set.as_str())
        .collect();
    let machines: Vec<&str> = machines.into_iter().collect();
    let program = concat!("sampler-cli ", env!("CARGO_PKG_VERSION"));
    let mut made = vec![Made::plain("program", program)];
    if !machines.is_empty() {
        made.push(Made::plain("computed with", &machines.join(", ")));
    }
    made.extend(words::networks(
        &request.classifier,
        request.generator.as_ref(),
        &request.encoder,
    ));
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_stand_side_by_side() {
        let images = [1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40, 50, 60, 70, 80];
        let (strip, shape) = side_by_side(&images, [2, 2, 2]);
        assert_eq!(shape, [2, 2, 4]);
        assert_eq!(
            strip,
            [1, 2, 10, 20, 3, 4, 30, 40, 5, 6, 50, 60, 7, 8, 70, 80]
        );
    }
}
