//! What the page says.

use super::numbers::{count, decimals, list, percent};
use super::run::{Selection, Totals};
use crate::Neuron;
use crate::neuron::{Distribution, Shown as Harmless};
use crate::record::{EncoderRecord, NetworkRecord, OtherEncoder, Run, SeedsRecord, SpaceRecord};

/// Text of a file with control characters written out.
pub(super) fn shown(text: &str) -> String {
    Harmless(text).to_string()
}

/// Layer and unit: `fc8:9`.
pub(super) fn place(neuron: &Neuron) -> String {
    format!("{}:{}", Harmless(&neuron.layer), neuron.unit)
}

/// The label, or else layer and unit.
pub(super) fn name(neuron: &Neuron) -> String {
    let label = neuron.label.as_ref().map(|label| shown(&label.name));
    label.unwrap_or_else(|| place(neuron))
}

/// The first of a label's synonyms, or layer and unit.
fn short_name(neuron: &Neuron) -> String {
    let name = name(neuron);
    match (&neuron.label, name.split_once(", ")) {
        (Some(_), Some((first, _))) => first.to_owned(),
        _ => name,
    }
}

/// `from 8 to 12`, `of at least 8` or `of at most 12`.
pub(super) fn range(neuron: &Neuron) -> String {
    let range = neuron.range();
    match range.split_once("..") {
        Some((lo, "")) => format!("of at least {lo}"),
        Some(("", hi)) => format!("of at most {hi}"),
        Some((lo, hi)) => format!("from {lo} to {hi}"),
        None => range,
    }
}

pub(super) fn heading(neurons: &[Neuron]) -> String {
    let names: Vec<String> = neurons.iter().map(short_name).collect();
    list(&names)
}

pub(super) fn title(neurons: &[Neuron]) -> String {
    let name = |neuron: &Neuron| format!("{} {}", short_name(neuron), range(neuron));
    list(&neurons.iter().map(name).collect::<Vec<String>>())
}

/// How many decimals the activations of a neuron are printed with.
pub(super) fn value_decimals(neuron: &Neuron, values: &[f32]) -> usize {
    let extent = neuron.hi - neuron.lo;
    if extent.is_finite() {
        return decimals(extent);
    }
    let values = values.iter().map(|&value| f64::from(value));
    let least = values.clone().fold(f64::INFINITY, f64::min);
    decimals(values.fold(f64::NEG_INFINITY, f64::max) - least)
}

/// What the page is about, in a sentence or two.
pub(super) fn lead(run: &Run) -> String {
    let images = match (run.space, &run.generator) {
        (SpaceRecord::Code, Some(generator)) => {
            format!("made by {}", shown(&generator.name))
        }
        _ => "searched for among the pixels".to_owned(),
    };
    let neuron = |neuron: &Neuron| format!("{} to an activation {}", place(neuron), range(neuron));
    let neurons: Vec<String> = run.neurons.iter().map(neuron).collect();
    let (images, each) = match run.samples {
        1 => (format!("One image, {images}."), "it drives"),
        n => (
            format!(
                "{} images, {images}, as different from each other as could be found.",
                count(n)
            ),
            "each of them drives",
        ),
    };
    format!(
        "{images} In {} {each} {}.",
        shown(&run.classifier.name),
        list(&neurons)
    )
}

/// How the samples on the page were chosen, if they are not all.
pub(super) fn selection(selection: &Selection) -> String {
    let Selection { chosen, of, among } = selection;
    if chosen.len() == *of {
        return String::new();
    }
    let among = match among < of {
        true => format!(" among {} drawn from all with equal chances", count(*among)),
        false => String::new(),
    };
    format!(
        "{} of {} samples, chosen to be far from each other{among}. ",
        count(chosen.len()),
        count(*of)
    )
}

/// Whether the images are those that were measured.
pub(super) fn exactness(exact: bool, as_files: bool) -> String {
    let here = match exact {
        true => "The images are shown exactly as they were measured.",
        false => {
            "To keep this page small its images are compressed; activations belong to the exact ones."
        }
    };
    match (exact, as_files) {
        (false, true) => format!("{here} Each is linked to its exact file."),
        _ => here.to_owned(),
    }
}

/// How a range lies among real images.
pub(super) fn among_references(distribution: &Distribution, range: [f64; 2]) -> String {
    let share = |values: &[f32]| {
        let [from, to] = range.map(|end| share_below(&distribution.levels, values, end));
        percent((to - from).max(0.0))
    };
    let own = distribution
        .over_label
        .as_ref()
        .map(|values| format!("; of those of the neuron's own label, {}", share(values)));
    format!(
        "Of the reference images ({}), about {} lie in the range{}.",
        shown(&distribution.images),
        share(&distribution.over_all),
        own.unwrap_or_default()
    )
}

/// Which share of the images lies below a value, linear between the levels of
/// the table; outside of them the nearest, or 0 and 1 at the open ends.
fn share_below(levels: &[f32], values: &[f32], value: f64) -> f64 {
    if value.is_infinite() {
        return if value < 0.0 { 0.0 } else { 1.0 };
    }
    let above = values.iter().position(|&v| f64::from(v) >= value);
    let level = |i: usize| f64::from(levels[i]) / 100.0;
    match above {
        None => level(levels.len() - 1),
        Some(0) => level(0),
        Some(above) => {
            let [low, high] = [above - 1, above].map(|i| f64::from(values[i]));
            let part = (value - low) / (high - low);
            level(above - 1) + part * (level(above) - level(above - 1))
        }
    }
}

/// What distances are measured in.
pub(super) fn encoder(record: &EncoderRecord) -> String {
    match record {
        EncoderRecord::Layer(layer) => format!("the layer {} of the classifier", Harmless(layer)),
        EncoderRecord::Other(OtherEncoder::Network { layer, network }) => {
            format!(
                "the layer {} of {}",
                Harmless(layer),
                Harmless(&network.name)
            )
        }
        EncoderRecord::Other(OtherEncoder::Pixels {}) => "the pixels".to_owned(),
    }
}

/// What the map shows; `shares` of the variance in its two directions.
pub(super) fn map(encoder: &str, shares: [f64; 2], has_pictures: bool) -> String {
    let [first, second] = shares;
    let tone = match has_pictures {
        true => "",
        false => " The stronger a point, the greater its activation.",
    };
    format!(
        "Near ones are alike. These are the two directions in which {encoder} differs most among them; they hold {} of all variance.{tone}",
        percent(first + second)
    )
}

/// A figure with what it means.
pub(super) struct Figure {
    pub value: String,
    pub name: &'static str,
    pub meaning: String,
}

pub(super) fn figures(run: &Run, samples: usize, totals: Totals<'_>) -> Vec<Figure> {
    let diversity = totals.diversity;
    let mut figures = Vec::new();
    if diversity.samples > 1 {
        let encoder = encoder(&run.encoder);
        let over = match diversity.samples < samples {
            true => format!(
                " Taken over {} samples drawn from all with equal chances.",
                count(diversity.samples)
            ),
            false => String::new(),
        };
        figures.push(Figure {
            value: format!("{:.2} ± {:.2}", diversity.pair_distance_mean, diversity.pair_distance_std),
            name: "between two samples",
            meaning: format!("The mean distance of two samples in {encoder}, and how much it varies. The greater, the more different they are; but a few tight clusters far apart have a great one, too.{over}"),
        });
        figures.push(Figure {
            value: format!("{:.2}", diversity.nearest_distance_mean),
            name: "to the nearest",
            meaning: "The mean distance of a sample to the one most like it. It is small where samples repeat each other.".to_owned(),
        });
        figures.push(Figure {
            value: format!("{:.2}", diversity.pair_distance_least),
            name: "at least",
            meaning: "The distance of the two samples that are most alike.".to_owned(),
        });
    }
    figures.push(Figure {
        value: format!("{:.1}", totals.evaluations.per_sample),
        name: "evaluations per sample",
        meaning: format!("What a sample cost: passes forward and back through the networks, {:.0} in all. Images that were rejected count, too.", totals.evaluations.total),
    });
    figures
}

pub(super) fn seeds(run: &Run, seeds: &[SeedsRecord]) -> String {
    let Some(last) = seeds.last() else {
        return "Nothing is known of the first batch.".to_owned();
    };
    let reached = run.neurons.iter().enumerate().filter_map(|(j, neuron)| {
        let (least, greatest) = (last.least.get(j)?, last.greatest.get(j)?);
        let digits = decimals(f64::from(greatest - least));
        let place = place(neuron);
        Some(format!(
            "{place} from {least:.digits$} to {greatest:.digits$}"
        ))
    });
    let reached: Vec<String> = reached.collect();
    format!(
        "The first batch, the seeds, was looked at {} before all of it was accepted. On the way its activations reached, for {}.",
        match seeds.len() {
            1 => "once".to_owned(),
            n => format!("{} times", count(n)),
        },
        list(&reached)
    )
}

/// A line of what made the run.
pub(super) struct Made {
    pub what: &'static str,
    pub text: String,
    pub sha256: Option<String>,
}

impl Made {
    /// A network file.
    pub(super) fn network(what: &'static str, record: &NetworkRecord) -> Made {
        let named = format!("{}, {}", record.name, record.file);
        Made::file(what, &named, &record.sha256)
    }

    /// Any file.
    pub(super) fn file(what: &'static str, name: &str, sha256: &str) -> Made {
        Made {
            what,
            text: shown(name),
            sha256: Some(shown(sha256)),
        }
    }

    pub(super) fn plain(what: &'static str, text: &str) -> Made {
        Made {
            what,
            text: shown(text),
            sha256: None,
        }
    }
}

pub(super) fn made(run: &Run) -> Vec<Made> {
    let program = Made::plain("program", &format!("sampler-cli {}", run.program));
    let computed = Made::plain("computed with", &run.instruction_set);
    let networks = networks(&run.classifier, run.generator.as_ref(), &run.encoder);
    [program, computed].into_iter().chain(networks).collect()
}

/// The networks that took part.
pub(super) fn networks(
    classifier: &NetworkRecord,
    generator: Option<&NetworkRecord>,
    measured: &EncoderRecord,
) -> Vec<Made> {
    let mut made = vec![Made::network("classifier", classifier)];
    made.extend(generator.map(|record| Made::network("generator", record)));
    made.push(match measured {
        EncoderRecord::Other(OtherEncoder::Network { network, .. }) => {
            Made::network("encoder", network)
        }
        _ => Made::plain("distances", &encoder(measured)),
    });
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_linear_between_levels() {
        let (levels, values) = ([0.0, 50.0, 100.0], [1.0, 3.0, 5.0]);
        for (value, expected) in [
            (f64::NEG_INFINITY, 0.0),
            (0.0, 0.0),
            (2.0, 0.25),
            (3.0, 0.5),
            (4.5, 0.875),
            (9.0, 1.0),
            (f64::INFINITY, 1.0),
        ] {
            assert_eq!(share_below(&levels, &values, value), expected, "{value}");
        }
        // Where many are equal, those below are meant.
        assert_eq!(share_below(&levels, &[0.0, 0.0, 2.0], 0.0), 0.0);
    }
}
