//! What a neuron resolves to, and which activations it has and can reach.

use std::io::Write;

use anyhow::Result;
use inverse_set::{Bound, Distribution, Error, Expression, Neuron, Pair, Probe, quoted};

use crate::counting::{Counting, QuietArgument};
use crate::failure::one_line;
use crate::networks::NetworkArguments;
use crate::table;

pub(super) fn show(
    pair: Pair,
    text: &str,
    networks: &NetworkArguments,
    output: QuietArgument,
    out: &mut impl Write,
) -> Result<()> {
    let question = Question::new(&pair, text)?;
    question.show(out)?;
    // What is known is told before the networks run.
    out.flush()?;
    let mut counting = Counting::new("probing, evaluations", output);
    let probe = pair.probe(&question.neuron, &mut |done, count| {
        counting.show(done, count)
    });
    drop(counting);
    let probe = match probe {
        Err(Error::Request(why)) => {
            writeln!(out, "reached  not probed: {}", one_line(&why))?;
            None
        }
        probe => Some(probe?),
    };
    if let Some(probe) = &probe {
        show_probe(probe, out)?;
    }
    let reached = |(neuron, _): &&(Neuron, String)| {
        let within = |probe: &Probe| neuron.lo <= probe.greatest && neuron.hi >= probe.least;
        probe.as_ref().is_none_or(within)
    };
    let range = question.range.as_ref().filter(reached);
    if range.is_none() && question.range.is_some() {
        writeln!(out, "         the range lies beyond")?;
    }
    let range = range.map(|(_, words)| words.clone());
    if let Some(range) = range.or_else(|| upper_part(probe.as_ref()?)) {
        let request = format!("{}={range}", question.neuron.name());
        let words = ["sample".to_owned(), "--neuron".to_owned(), request];
        let words = words.into_iter().chain(networks.words());
        let words: Vec<String> = words.map(|word| quoted(&word)).collect();
        writeln!(out, "try      sampler-cli {}", one_line(&words.join(" ")))?;
    }
    Ok(())
}

/// A neuron that is asked about.
struct Question {
    /// Open at both ends.
    neuron: Neuron,
    distribution: Option<Distribution>,
    /// The range that samples would have, if there is one, and how it is asked
    /// for.
    range: Option<(Neuron, String)>,
}

impl Question {
    fn new(pair: &Pair, text: &str) -> Result<Question> {
        let Expression { layer, unit, range } = text.parse()?;
        let (file, network) = (pair.classifier(), pair.classifier_network());
        let resolve = |range| -> Result<Neuron> {
            let (layer, unit) = (layer.clone(), unit.clone());
            let expression = Expression { layer, unit, range };
            Ok(Neuron::resolve(&expression, text, file, network)?)
        };
        let neuron = resolve(Some([Bound::Open, Bound::Open]))?;
        let distribution = neuron.distribution(file, network)?;
        let own = |distribution: &Distribution| distribution.over_label.is_some();
        let by_default = match neuron.label.is_some() && distribution.as_ref().is_some_and(own) {
            true => "c25..c75",
            false => "p75..p95",
        };
        let range = match range {
            // Without a default, there is still something to learn.
            None => resolve(None)
                .ok()
                .map(|neuron| (neuron, by_default.to_owned())),
            given => {
                let neuron = resolve(given)?;
                let words = neuron.range();
                Some((neuron, words))
            }
        };
        Ok(Question {
            neuron,
            distribution,
            range,
        })
    }

    fn show(&self, out: &mut impl Write) -> Result<()> {
        writeln!(out, "neuron   {}", self.neuron)?;
        match &self.range {
            None => writeln!(out, "range    none by default; give one, as in =0..10")?,
            Some((neuron, words)) if neuron.range() == *words => writeln!(out, "range    {words}")?,
            Some((neuron, words)) => writeln!(out, "range    {}, {words}", neuron.range())?,
        }
        match &self.distribution {
            Some(distribution) => show_quantiles(distribution, out),
            None => Ok(writeln!(
                out,
                "typical  the network file tells no quantiles of it"
            )?),
        }
    }
}

fn show_quantiles(distribution: &Distribution, out: &mut impl Write) -> Result<()> {
    let Distribution {
        levels,
        over_all,
        over_label,
        images,
    } = distribution;
    writeln!(out, "\nquantiles over\n{}\n", one_line(images))?;
    let value = |value: &f32| format!("{value:.4}");
    let mut rows = vec![table::row(["percentage below", "all images (p)"])];
    let columns = levels.iter().zip(over_all);
    rows.extend(columns.map(|(level, over_all)| vec![level.to_string(), value(over_all)]));
    if let Some(over_label) = over_label {
        let title = "its label's images (c)".to_owned();
        let column = [title].into_iter().chain(over_label.iter().map(value));
        rows.iter_mut()
            .zip(column)
            .for_each(|(row, cell)| row.push(cell));
    }
    table::write_numbers(&rows, rows[0].len(), out)?;
    writeln!(out)?;
    let [all, own] = distribution.middle_halves();
    let mut title = "typical";
    for (half, images, name) in [
        (own, "of its label's images", "c25..c75"),
        (all, "of all images", "p25..p75"),
    ] {
        if let Some([low, high]) = half {
            let [low, high] = [low, high].map(short);
            writeln!(out, "{title:7}  half {images} lie in {low}..{high}, {name}")?;
            title = "";
        }
    }
    Ok(())
}

fn show_probe(probe: &Probe, out: &mut impl Write) -> Result<()> {
    let Probe {
        least,
        greatest,
        starts,
        evaluations,
        space,
    } = probe;
    let [low, high] = [least, greatest].map(|&end| short(end));
    writeln!(
        out,
        "reached  {low}..{high} by plain descent and ascent from {starts} starts\n         \
         in {space}: {evaluations:.0} evaluations;\n         \
         images are not rounded to 8 bits, and more may be reachable"
    )?;
    if least == greatest {
        writeln!(
            out,
            "         it has no gradient there; try the layer before its activation function"
        )?;
    }
    Ok(())
}

/// A range in the upper part of what was reached, where it can be sampled well.
fn upper_part(probe: &Probe) -> Option<String> {
    let at = |share: f64| short(probe.least + share * (probe.greatest - probe.least));
    let [low, high] = [at(0.5), at(0.75)];
    (low < high).then(|| format!("{low}..{high}"))
}

/// Four significant digits.
fn short(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}
