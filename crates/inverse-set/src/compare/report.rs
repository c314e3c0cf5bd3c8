//! What a comparison found, and the tables made of it.

use sampler::figures::{Interval, Resampling, mean_over_runs};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use super::figures::{FIGURES, Reading, RunFigures, ratio, reading};
use super::methods::Method;
use crate::Neuron;
use crate::record::{NetworkRecord, Run};

/// Everything that determines the figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// Version of this record.
    pub version: u32,
    /// What `inverse-set` is asked for; its neurons are compared one by one.
    pub run: Run,
    /// Seeds, from the run's own on.
    pub seeds: usize,
    /// Names and constants.
    pub methods: Vec<Value>,
    /// Evaluations per wanted sample of every other method; what `inverse-set`
    /// spent if none.
    pub evals_per_sample: Option<f64>,
    pub judge: NetworkRecord,
    /// The judge's layer that features are read from.
    pub judge_layer: String,
    pub reference: ReferenceRecord,
}

/// Which reference images were used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReferenceRecord {
    pub file: String,
    pub sha256: String,
    pub images: usize,
}

/// The figures of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    /// The method's name.
    pub method: String,
    /// One run per seed.
    pub runs: Vec<RunFigures>,
}

/// The figures of one neuron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeuronReport {
    /// The neuron.
    pub neuron: Neuron,
    /// N: how many samples and references are compared.
    pub compared: usize,
    /// References that there are: even-numbered images in the range.
    pub references: usize,
    /// Odd-numbered images in the range.
    pub dataset: usize,
    /// Share of all real images in the range that the judge gives the class.
    pub real_judged: Option<f64>,
    /// Name of the picture in the directory, one row per method in this order.
    pub picture: String,
    /// Name of the file with the images that the picture shows.
    pub representatives: String,
    /// The methods, in the order of the table.
    pub methods: Vec<MethodReport>,
}

/// A line of a table: a method's figures, each the mean over neurons of the
/// means over seeds, with the 95 % bootstrap interval over runs. A figure is
/// missing where no run has it; runs that lack it are left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The method's name.
    pub method: String,
    figures: BTreeMap<&'static str, Interval>,
}

impl Row {
    /// A figure by the name that it has in `compare.csv`.
    pub fn get(&self, figure: &str) -> Option<Interval> {
        self.figures.get(figure).copied()
    }
}

/// A finished comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The figures of every run.
    pub neurons: Vec<NeuronReport>,
    /// The table of each neuron.
    pub tables: Vec<Vec<Row>>,
    /// The table over all neurons.
    pub table: Vec<Row>,
    /// How `inverse-set` stands.
    pub ratios: Vec<Ratio>,
}

impl Report {
    pub(crate) fn of(neurons: Vec<NeuronReport>) -> Report {
        let each = neurons.iter().map(std::slice::from_ref);
        Report {
            tables: each.map(table).collect(),
            table: table(&neurons),
            ratios: ratios(&neurons),
            neurons,
        }
    }
}

/// As many as a table of ten neurons is made in seconds of; their number shows
/// in the third digit of an interval's width.
const RESAMPLES: usize = 2000;

/// The table of some neurons that were compared by the same methods.
fn table(neurons: &[NeuronReport]) -> Vec<Row> {
    let methods = neurons.first().map_or(&[][..], |first| &first.methods);
    let resampling = Resampling {
        resamples: RESAMPLES,
        ..Resampling::default()
    };
    let row = |place: usize, method: &MethodReport| {
        let interval = |(name, read): (&'static str, Reading)| {
            let runs = neurons.iter().filter_map(|neuron| {
                let runs = neuron.methods[place].runs.iter().filter_map(read);
                let runs: Vec<f64> = runs.collect();
                (!runs.is_empty()).then_some(runs)
            });
            let runs: Vec<Vec<f64>> = runs.collect();
            Some((name, mean_over_runs(&runs, &resampling)?))
        };
        Row {
            method: method.method.clone(),
            figures: FIGURES.into_iter().filter_map(interval).collect(),
        }
    };
    methods
        .iter()
        .enumerate()
        .map(|(place, method)| row(place, method))
        .collect()
}

/// A figure of `inverse-set` in relation to what it is held against.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// Which figure, and against what.
    pub figure: &'static str,
    /// Mean over neurons.
    pub mean: f64,
    /// The worst neuron's.
    pub worst: f64,
    /// The worst neuron, as in `fc8:9`.
    pub neuron: String,
}

/// How `inverse-set` stands against real images and reconstructions at equal
/// numbers: for each neuron the ratio of the means over seeds. Those that a
/// method or the judge's class is missing for are left out.
fn ratios(neurons: &[NeuronReport]) -> Vec<Ratio> {
    type Of = fn(&NeuronReport) -> Option<f64>;
    let list: [(&'static str, Of, Worse); 6] = [
        (
            "judge's share / real images'",
            |neuron| ratio(own(neuron, "judged")?, neuron.real_judged?),
            Worse::Less,
        ),
        (
            "precision / reconstruction's",
            |neuron| {
                let reconstruction = |figure| mean(neuron, Method::Reconstruction, figure);
                ratio(
                    reconstruction("inverse_set_precision")?,
                    reconstruction("precision")?,
                )
            },
            Worse::Less,
        ),
        (
            "coverage / reconstruction's",
            |neuron| {
                let reconstruction = |figure| mean(neuron, Method::Reconstruction, figure);
                ratio(
                    reconstruction("inverse_set_coverage")?,
                    reconstruction("coverage")?,
                )
            },
            Worse::Less,
        ),
        (
            "pair distance / real images'",
            |neuron| {
                let real = own(neuron, "real_pair_distance_mean")?;
                ratio(own(neuron, "pair_distance_mean")?, real)
            },
            Worse::Less,
        ),
        (
            "nearest distance / real images'",
            |neuron| {
                let real = own(neuron, "real_nearest_distance_mean")?;
                ratio(own(neuron, "nearest_distance_mean")?, real)
            },
            Worse::Less,
        ),
        (
            "evaluations per sample",
            |neuron| own(neuron, "evaluations_per_sample"),
            Worse::More,
        ),
    ];
    let summary = |(figure, of, worse): (&'static str, Of, Worse)| {
        let found: Vec<(f64, &NeuronReport)> = neurons
            .iter()
            .filter_map(|neuron| Some((of(neuron)?, neuron)))
            .collect();
        let worst = found.iter().min_by(|a, b| worse.order(a.0, b.0))?;
        Some(Ratio {
            figure,
            mean: found.iter().map(|(ratio, _)| ratio).sum::<f64>() / found.len() as f64,
            worst: worst.0,
            neuron: format!("{}:{}", worst.1.neuron.layer, worst.1.neuron.unit),
        })
    };
    list.into_iter().filter_map(summary).collect()
}

/// Which end of a figure is the worse one.
#[derive(Clone, Copy)]
enum Worse {
    Less,
    More,
}

impl Worse {
    /// The worse one first.
    fn order(self, a: f64, b: f64) -> std::cmp::Ordering {
        match self {
            Worse::Less => a.total_cmp(&b),
            Worse::More => b.total_cmp(&a),
        }
    }
}

/// Mean over the runs of a method that have the figure.
fn mean(neuron: &NeuronReport, method: Method, figure: &str) -> Option<f64> {
    let named = |report: &&MethodReport| report.method == method.name();
    let runs = &neuron.methods.iter().find(named)?.runs;
    let found: Vec<f64> = runs.iter().filter_map(reading(figure)).collect();
    ratio(found.iter().sum(), found.len() as f64)
}

fn own(neuron: &NeuronReport, figure: &str) -> Option<f64> {
    mean(neuron, Method::InverseSet, figure)
}

#[cfg(test)]
mod tests {
    use sampler::figures::{Diversity, Fidelity};

    use super::*;
    use crate::Unit;

    fn fidelity(precision: f64, coverage: f64) -> Option<Fidelity> {
        Some(Fidelity {
            precision,
            density: 1.0,
            coverage,
        })
    }

    fn distances(mean: f64, nearest: f64) -> Option<Diversity> {
        Some(Diversity {
            count: 10,
            mean,
            std: 1.0,
            least: 0.5,
            nearest,
        })
    }

    fn run(found: usize) -> RunFigures {
        RunFigures {
            seed: 0,
            found,
            proposed: 20,
            in_range: found,
            evaluations: Some(30.0),
            seconds: None,
            compared: found,
            diversity: distances(6.0, 2.0),
            real: distances(5.0, 4.0),
            vendi: None,
            fidelity: fidelity(0.9, 0.6),
            rival: fidelity(0.45, 0.9),
            reached: 0.5,
            rival_reached: Some(0.75),
            judged: Some(0.6),
        }
    }

    fn neuron(index: usize, methods: [(&str, Vec<RunFigures>); 2]) -> NeuronReport {
        NeuronReport {
            neuron: Neuron {
                layer: "fc8".into(),
                unit: Unit::Unit { index },
                label: None,
                lo: 0.0,
                hi: 1.0,
                expression: String::new(),
            },
            compared: 10,
            references: 10,
            dataset: 10,
            real_judged: Some(0.8),
            picture: String::new(),
            representatives: String::new(),
            methods: methods
                .map(|(method, runs)| MethodReport {
                    method: method.into(),
                    runs,
                })
                .into(),
        }
    }

    fn two() -> Vec<NeuronReport> {
        let costly = RunFigures {
            evaluations: Some(90.0),
            ..run(10)
        };
        let unjudged = RunFigures {
            judged: None,
            fidelity: None,
            ..run(2)
        };
        vec![
            neuron(
                3,
                [
                    ("inverse-set", vec![run(10), run(10)]),
                    ("reconstruction", vec![run(10), run(10)]),
                ],
            ),
            neuron(
                4,
                [
                    ("inverse-set", vec![costly.clone(), costly]),
                    ("reconstruction", vec![run(10), unjudged]),
                ],
            ),
        ]
    }

    #[test]
    fn neurons_count_equally_and_runs_without_a_figure_are_left_out() {
        let table = table(&two());
        let mean = |row: usize, figure: &str| table[row].get(figure).map(|all| all.mean);
        assert_eq!(mean(0, "evaluations_per_sample"), Some(6.0));
        assert_eq!(mean(0, "in_range"), Some(0.5));
        assert_eq!(mean(1, "found"), Some(8.0));
        assert_eq!(mean(1, "precision"), Some(0.9));
        assert_eq!(mean(1, "vendi"), None);
        assert!((mean(1, "coverage_ahead").unwrap() - 0.3).abs() < 1e-12);
        assert_eq!(mean(1, "reached_ahead"), Some(0.25));
    }

    #[test]
    fn ratios_name_the_worst_neuron() {
        let ratios = ratios(&two());
        let expected = [
            ("judge's share / real images'", 0.75, 0.75, "fc8:3"),
            ("precision / reconstruction's", 0.5, 0.5, "fc8:3"),
            ("coverage / reconstruction's", 1.5, 1.5, "fc8:3"),
            ("pair distance / real images'", 1.2, 1.2, "fc8:3"),
            ("nearest distance / real images'", 0.5, 0.5, "fc8:3"),
            ("evaluations per sample", 6.0, 9.0, "fc8:4"),
        ];
        assert_eq!(ratios.len(), expected.len());
        for (ratio, (figure, mean, worst, neuron)) in ratios.iter().zip(expected) {
            assert_eq!((ratio.figure, &ratio.neuron[..]), (figure, neuron));
            assert!((ratio.mean - mean).abs() < 1e-9, "{ratio:?}");
            assert!((ratio.worst - worst).abs() < 1e-9, "{ratio:?}");
        }
    }

    #[test]
    fn what_a_comparison_lacks_has_no_ratio() {
        let mut neurons = two();
        neurons.iter_mut().for_each(|neuron| {
            neuron.methods.truncate(1);
            neuron.real_judged = None;
        });
        let figures: Vec<&str> = ratios(&neurons).iter().map(|ratio| ratio.figure).collect();
        assert_eq!(
            figures,
            [
                "pair distance / real images'",
                "nearest distance / real images'",
                "evaluations per sample"
            ]
        );
    }
}
