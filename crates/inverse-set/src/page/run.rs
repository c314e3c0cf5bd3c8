//! The page of a run.

use std::path::{Path, PathBuf};

use askama::Template;

use super::frame::{Arranged, Frame, Group, Order, Told};
use super::gallery::{Entry, Gallery, Item, MOST, Material};
use super::plots::Seeds;
use super::range::NeuronPart;
use super::words::{Figure, encoder};
use super::{command, save, words};
use crate::Error;
use crate::directory::{Directory, ImageNames};
use crate::finished::{Finished, Saved};
use crate::grid::representatives;
use crate::pair::Pair;
use crate::record::{Diversity, Evaluations, Manifest, SeedsRecord, StoredImages};
use crate::samples::Column;

/// Most samples that are shown large.
const MOST_LARGE: usize = 12;

/// What is told of a run besides its samples.
#[derive(Clone, Copy)]
pub(crate) struct Totals<'a> {
    pub diversity: &'a Diversity,
    pub evaluations: &'a Evaluations,
    pub seeds: &'a [SeedsRecord],
}

impl<'a> Totals<'a> {
    pub(crate) fn of<S>(manifest: &'a Manifest<S>) -> Totals<'a> {
        Totals {
            diversity: &manifest.diversity,
            evaluations: &manifest.evaluations,
            seeds: &manifest.seeds,
        }
    }
}

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    frame: Frame,
    arranged: Arranged<'a>,
    neurons: Vec<NeuronPart>,
    representatives: Vec<&'a Item>,
    figures: Vec<Figure>,
    seeds: Seeds,
    seeds_text: String,
}

/// Writes the page of the run in a directory once more.
pub(super) fn rewrite(directory: &Path, pair: &Pair) -> Result<PathBuf, Error> {
    let saved = Saved::open(directory, pair)?;
    let totals = Totals::of(&saved.manifest);
    write(&saved.files, saved.finished(pair), totals)
}

/// Writes the page of a run.
pub(crate) fn write(
    files: &Directory,
    finished: Finished<'_>,
    totals: Totals<'_>,
) -> Result<PathBuf, Error> {
    let selection = Selection::of(finished, MOST);
    let gallery = Gallery::new(material(finished, &selection.chosen)?)?;
    let page = Page::new(finished, totals, &selection, &gallery);
    save(files.path(), &page)
}

/// Which samples of a run are shown.
pub(super) struct Selection {
    /// In the order in which they were found.
    pub chosen: Vec<usize>,
    /// How many there are in all.
    pub of: usize,
    /// Among how many these were chosen.
    pub among: usize,
}

impl Selection {
    /// All samples, or `most` that are far from each other.
    pub(super) fn of(finished: Finished<'_>, most: usize) -> Selection {
        let of = finished.samples.count();
        if of <= most {
            return Selection {
                chosen: (0..of).collect(),
                of,
                among: of,
            };
        }
        let reservoir = finished.reservoir();
        let held = reservoir.samples();
        let chosen = representatives(reservoir.encodings(), held.len(), most);
        let mut chosen: Vec<usize> = chosen.into_iter().map(|row| held[row] as usize).collect();
        chosen.sort_unstable();
        Selection {
            chosen,
            of,
            among: held.len(),
        }
    }
}

fn material<'a>(finished: Finished<'a>, chosen: &[usize]) -> Result<Material<'a>, Error> {
    let Finished {
        pair,
        run,
        options,
        samples,
    } = finished;
    let names = ImageNames::new(samples.count());
    let entry = |&number: &usize| {
        let batch = number / options.batch;
        Entry {
            name: format!("Sample {number}"),
            origin: match batch {
                0 => "batch 0, the seeds".to_owned(),
                batch => format!("batch {batch}"),
            },
            group: batch,
            file: (run.images == StoredImages::Png).then(|| names.name(number)),
            neuron: 0,
            values: samples.floats(Column::Activations, number),
        }
    };
    let encodings = chosen
        .iter()
        .flat_map(|&i| samples.floats(Column::Encodings, i));
    Ok(Material {
        pair,
        shape: samples.sizes().image,
        batch: options.batch,
        neurons: run.neurons.clone(),
        entries: chosen.iter().map(entry).collect(),
        images: finished.images(chosen)?,
        encodings: encodings.collect(),
    })
}

impl<'a> Page<'a> {
    fn new(
        finished: Finished<'_>,
        totals: Totals<'_>,
        selection: &Selection,
        gallery: &'a Gallery,
    ) -> Page<'a> {
        let Finished {
            pair,
            run,
            options,
            samples,
        } = finished;
        let neurons = run.neurons.iter().enumerate().map(|(j, neuron)| {
            let shown: Vec<f32> = gallery.items.iter().map(|i| i.entry.values[j]).collect();
            let all = (0..samples.count()).map(|i| samples.floats(Column::Activations, i)[j]);
            NeuronPart::new(pair, neuron, &shown, &all.collect::<Vec<f32>>(), &[])
        });
        let as_files = run.images == StoredImages::Png;
        let order = |(j, neuron)| match run.neurons.len() {
            1 => Order::new("value 0", "activation"),
            _ => Order::new(
                format!("value {j}"),
                format!("activation of {}", words::name(neuron)),
            ),
        };
        let mut orders: Vec<Order> = run.neurons.iter().enumerate().map(order).collect();
        orders.push(Order::new("group", "batch"));
        let told = Told {
            title: words::title(&run.neurons),
            kind: "Inverse set",
            heading: words::heading(&run.neurons),
            lead: words::lead(run),
            orders,
            groups: vec![Group {
                heading: None,
                items: gallery.by_value(0..gallery.items.len()),
            }],
            note: words::selection(selection) + &words::exactness(gallery.exact, as_files),
            encoder: encoder(&run.encoder),
            command: command::sample(run, options),
            made: words::made(run),
        };
        let (frame, arranged) = told.framed(gallery);
        Page {
            neurons: neurons.collect(),
            representatives: gallery.far_apart(MOST_LARGE),
            figures: words::figures(run, selection.of, totals),
            seeds: Seeds::new(totals.seeds),
            seeds_text: words::seeds(run, totals.seeds),
            frame,
            arranged,
        }
    }
}
