//! The page of a comparison.

use std::path::{Path, PathBuf};

use askama::Template;

use super::frame::{Arranged, Frame, Group, Heading, Order, Told};
use super::gallery::{Entry, Gallery, MOST, Material};
use super::range::NeuronPart;
use super::table::Table;
use super::words::{Figure, Made, encoder};
use super::{command, numbers, save, words};
use crate::Error;
use crate::compare::{NeuronReport, Report, Representatives, Row, Stored};
use crate::encoding::Encoding;
use crate::finished::same_network;
use crate::model::{Classifier, failed};
use crate::pair::Pair;

/// Images that the classifier looks at together.
const BATCH: usize = 32;

#[derive(Template)]
#[template(path = "compare.html")]
struct Page<'a> {
    frame: Frame,
    arranged: Arranged<'a>,
    neurons: Vec<NeuronPart>,
    /// Over all neurons, and of each.
    tables: Vec<(String, Table)>,
    figures: Vec<Figure>,
}

/// Writes the page of the comparison in a directory, from what is saved there.
///
/// # Errors
/// Those of [`super::write_report`].
pub(crate) fn write(directory: &Path, pair: &Pair) -> Result<PathBuf, Error> {
    let stored = Stored::open(directory)?;
    let run = &stored.setup.run;
    same_network(
        directory,
        &run.classifier,
        Some(&pair.classifier),
        "classifier",
    )?;
    let gallery = Gallery::new(material(directory, &stored, pair)?)?;
    let Stored { setup, neurons } = stored;
    let report = Report::of(neurons);
    let (tables, figures) = (tables(&report), figures());
    let names = &report.neurons;
    let heading = match names.len() {
        // More would be no heading.
        1..=4 => words::heading(&setup.run.neurons),
        many => format!("{many} neurons"),
    };
    let told = Told {
        title: format!("{heading}, methods compared"),
        kind: "Comparison of methods",
        lead: lead(&setup.run.classifier.name, names, setup.seeds),
        heading,
        orders: vec![
            Order::new("group", "method"),
            Order::new("value 0", "activation"),
        ],
        groups: groups(&gallery, &report),
        note: note(&gallery, names.len()),
        encoder: encoder(&setup.run.encoder),
        command: command::compare(&setup),
        made: words::made(&setup.run)
            .into_iter()
            .chain([
                Made::network("judge", &setup.judge),
                Made::file(
                    "real images",
                    &setup.reference.file,
                    &setup.reference.sha256,
                ),
            ])
            .collect(),
    };
    let (frame, arranged) = told.framed(&gallery);
    let page = Page {
        neurons: parts(pair, &gallery),
        frame,
        arranged,
        tables,
        figures,
    };
    save(directory, &page)
}

/// The images that were kept, with their activations, which are computed again.
fn material<'a>(directory: &Path, stored: &Stored, pair: &'a Pair) -> Result<Material<'a>, Error> {
    let methods = &stored.setup.methods;
    let shape = pair.image_shape()?;
    let pixels = shape.iter().product::<usize>();
    // Of more neurons than fit on a page only the first are shown.
    let neurons = stored.neurons.len().min((MOST / methods.len()).max(1));
    let each = (MOST / (neurons * methods.len())).max(1);
    let mut material = Material {
        pair,
        shape,
        batch: BATCH,
        neurons: Vec::new(),
        entries: Vec::new(),
        images: Vec::new(),
        encodings: Vec::new(),
    };
    for (place, report) in stored.neurons[..neurons].iter().enumerate() {
        let path = directory.join(&report.representatives);
        let kept = Representatives::read(&path, shape)?;
        let values = activations(pair, report, &kept)?;
        let e = kept.encodings.len().checked_div(values.len()).unwrap_or(0);
        let mut shown = vec![0; methods.len()];
        for (i, &value) in values.iter().enumerate() {
            let method = kept.methods[i] as usize;
            let Some(count) = shown.get_mut(method).filter(|count| **count < each) else {
                continue;
            };
            let name = &report.methods[method].method;
            material.entries.push(Entry {
                name: format!("Image {} of {name}", *count),
                origin: match neurons {
                    1 => name.clone(),
                    _ => format!("{name}, for {}", words::name(&report.neuron)),
                },
                group: place * methods.len() + method,
                file: None,
                neuron: place,
                values: vec![value],
            });
            *count += 1;
            let image = &kept.images[i * pixels..][..pixels];
            material.images.extend_from_slice(image);
            material
                .encodings
                .extend_from_slice(&kept.encodings[i * e..][..e]);
        }
        material.neurons.push(report.neuron.clone());
    }
    match material.entries.is_empty() {
        false => Ok(material),
        true => Err(Error::Directory {
            path: directory.to_owned(),
            cause: "holds no images: no method found any".to_owned(),
        }),
    }
}

fn activations(
    pair: &Pair,
    report: &NeuronReport,
    kept: &Representatives,
) -> Result<Vec<f32>, Error> {
    let neurons = std::slice::from_ref(&report.neuron);
    let mut classifier = Classifier::new(pair, neurons, &Encoding::Pixels, BATCH)?;
    let pixels = kept
        .images
        .len()
        .checked_div(kept.methods.len())
        .unwrap_or(1);
    let mut values = Vec::new();
    for images in kept.images.chunks(BATCH * pixels) {
        let measured = classifier.measure(images, images.len() / pixels);
        values.extend_from_slice(measured.map_err(failed)?);
    }
    Ok(values)
}

fn lead(classifier: &str, neurons: &[NeuronReport], seeds: usize) -> String {
    let ranges = match neurons {
        [one] => format!(
            "{} to an activation {}",
            words::place(&one.neuron),
            words::range(&one.neuron)
        ),
        many => format!("one of {} neurons into its range", many.len()),
    };
    let seeds = match seeds {
        1 => "one run of each".to_owned(),
        n => format!("the means of {n} runs of each"),
    };
    format!(
        "What different methods find when asked for images that drive, in {}, {ranges}. All of them have what inverse-set spends. Figures are {seeds}.",
        words::shown(classifier)
    )
}

fn note(gallery: &Gallery, neurons: usize) -> String {
    let shown = gallery.neurons.len();
    let some = match shown < neurons {
        true => format!(" of the first {shown} neurons"),
        false => String::new(),
    };
    format!(
        "At most ten images of each method{some}, far from each other. {}",
        words::exactness(gallery.exact, false)
    )
}

fn groups<'a>(gallery: &'a Gallery, report: &Report) -> Vec<Group<'a>> {
    let several = report.neurons.len() > 1;
    let neurons = report.neurons.iter().zip(&report.tables);
    let neurons = neurons.take(gallery.neurons.len());
    let groups = neurons.flat_map(|(neuron, table)| table.iter().map(move |row| (neuron, row)));
    let group = |(place, (neuron, row)): (usize, (&NeuronReport, &Row))| {
        let items = gallery.items.iter();
        let items = items.filter(|item| item.entry.group == place);
        Group {
            heading: Some(Heading {
                title: match several {
                    true => format!("{}, {}", words::name(&neuron.neuron), row.method),
                    false => row.method.clone(),
                },
                facts: facts(row),
                link: None,
            }),
            items: items.collect(),
        }
    };
    groups.enumerate().map(group).collect()
}

/// How a method does, next to its pictures.
fn facts(row: &Row) -> Vec<String> {
    let mean = |figure| row.get(figure).map(|interval| interval.mean);
    let mut facts = vec![match mean("found").unwrap_or(0.0) {
        0.0 => "nothing found".to_owned(),
        found => format!("{found:.0} found"),
    }];
    let share = mean("in_range").map(|share| format!("{} in the range", numbers::percent(share)));
    let judged =
        mean("judged").map(|share| format!("judge: {} of its class", numbers::percent(share)));
    facts.extend(share);
    facts.extend(judged);
    facts
}

fn parts(pair: &Pair, gallery: &Gallery) -> Vec<NeuronPart> {
    let part = |(j, neuron): (usize, &crate::Neuron)| {
        let items = gallery.items.iter();
        let values = items.filter(|item| item.entry.neuron == j);
        let values: Vec<f32> = values.map(|item| item.value()).collect();
        NeuronPart::new(pair, neuron, &values, &values, &[])
    };
    gallery.neurons.iter().enumerate().map(part).collect()
}

/// A column: its title, the figure, decimals.
const COLUMNS: [(&str, &str, usize); 9] = [
    ("found", "found", 0),
    ("in range", "in_range", 3),
    ("precision", "precision", 3),
    ("coverage", "coverage", 3),
    ("reached", "reached", 3),
    ("judge", "judged", 3),
    ("distance", "pair_distance_mean", 2),
    ("to the nearest", "nearest_distance_mean", 2),
    ("evaluations", "evaluations_per_sample", 1),
];

fn tables(report: &Report) -> Vec<(String, Table)> {
    let mut tables = Vec::new();
    if report.neurons.len() > 1 {
        let name = format!("Mean over {} neurons", report.neurons.len());
        tables.push((name.clone(), table(name, &report.table)));
    }
    let each = report.neurons.iter().zip(&report.tables);
    tables.extend(each.map(|(neuron, rows)| {
        let name = words::name(&neuron.neuron);
        (name.clone(), table(name, rows))
    }));
    tables
}

fn table(about: String, rows: &[Row]) -> Table {
    let cell = |row: &Row, (_, figure, digits): &(&str, &str, usize)| match row.get(figure) {
        Some(interval) => format!("{:.digits$}", interval.mean, digits = *digits),
        None => "none".to_owned(),
    };
    let titles = COLUMNS.iter().map(|(title, ..)| *title);
    Table {
        about: format!("Figures of all methods: {about}"),
        titles: std::iter::once("").chain(titles).collect(),
        rows: rows
            .iter()
            .map(|row| {
                let cells = COLUMNS.iter().map(|column| cell(row, column));
                (row.method.clone(), cells.collect())
            })
            .collect(),
    }
}

/// What the columns mean.
fn figures() -> Vec<Figure> {
    let figure = |name, meaning: &str| Figure {
        value: String::new(),
        name,
        meaning: meaning.to_owned(),
    };
    vec![
        figure(
            "in range",
            "Share of all images that a method proposed which lie in the range.",
        ),
        figure(
            "precision",
            "Share of its images that are as near to a real image of the range as real ones are to each other, as another network, the judge, sees them.",
        ),
        figure(
            "coverage",
            "Share of the real images of the range that have one of its images near them, compared at equal numbers.",
        ),
        figure(
            "reached",
            "The same at equal cost, by everything that the method found.",
        ),
        figure(
            "judge",
            "Share of its images that the judge takes for the neuron's class.",
        ),
        figure(
            "distance, to the nearest",
            "Mean distance between two of its images, and to the most similar one. The greater, the more different they are.",
        ),
        figure(
            "evaluations",
            "Passes forward and back through the networks per image that was found.",
        ),
    ]
}
