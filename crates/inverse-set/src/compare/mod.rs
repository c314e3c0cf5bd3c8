//! Comparing methods: how good is what each of them finds in the range of a
//! neuron, at equal cost?
//!
//! References are the even-numbered real images in the range, whatever their
//! class: the inverse set as the world has it. `dataset` and `reconstruction`
//! draw from the odd-numbered ones. Precision, density and coverage depend on
//! how many are compared, so that every method is compared at N, or at as many
//! as it found, with as many references; and `inverse-set` beside it at the
//! same number. What a method reaches at equal cost is the coverage of all N
//! references by everything that it found.

mod contest;
mod figures;
mod files;
mod judge;
mod methods;
mod pools;
mod report;
mod representatives;
mod request;
mod set;

use std::path::Path;

pub use figures::RunFigures;
pub use methods::Method;
pub use report::{MethodReport, NeuronReport, Ratio, Report, Row};
pub use request::CompareRequest;
pub use sampler::figures::{Diversity, Fidelity, Interval};

use crate::neuron::{distinct, expanded};
use crate::reference::Reference;
use crate::{Error, Flow, Job, Neuron, Pair, Request, page};
use contest::Contest;
use figures::{Measure, NEIGHBOURS};
use files::Folder;
pub(crate) use files::{Stored, is_one};
use judge::Judge;
use pools::Pools;
use report::ReferenceRecord;
pub(crate) use report::Setup;
pub(crate) use representatives::Representatives;
use set::ImageSet;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// The reference images are looked at.
    References,
    /// A method runs.
    Run {
        /// The neuron.
        neuron: &'a Neuron,
        /// The method.
        method: Method,
        /// Runs that are done, and runs in all.
        runs: [usize; 2],
    },
}

/// A request resolved against a pair of networks, a judge and references.
#[derive(Debug)]
pub struct Comparison {
    job: Job,
    methods: Vec<Method>,
    reference: Reference,
    judge: Judge,
    setup: Setup,
}

impl Comparison {
    /// Resolves every name in a request, and opens judge and references.
    /// Nothing is computed or written yet.
    ///
    /// # Errors
    /// [`Error::Request`] says what cannot be carried out, and what to try;
    /// [`Error::File`] and [`Error::Network`] what is wrong with the judge.
    pub fn new(pair: Pair, request: &CompareRequest) -> Result<Comparison, Error> {
        request.check()?;
        let [reference, judge] = request.files(&pair)?;
        let named = request.sample.neurons.iter();
        let named = named.map(|text| expanded(text, &pair));
        let sample = Request {
            neurons: named.collect::<Result<Vec<_>, Error>>()?.concat(),
            ..request.sample.clone()
        };
        let job = Job::new(pair, &sample)?;
        distinct(job.neurons())?;
        let shape = job.pair.image_shape()?;
        let judge = Judge::open(&judge, request.judge_layer.as_deref(), &job.pair, shape)?;
        let images = Reference::open(&reference, shape)?;
        let (judge_record, judge_layer) = judge.record();
        let setup = Setup {
            version: 2,
            run: job.record.clone(),
            seeds: request.seeds,
            methods: request
                .methods
                .iter()
                .map(|method| method.record(&job.options))
                .collect(),
            evals_per_sample: request.evals_per_sample,
            judge: judge_record,
            judge_layer,
            reference: ReferenceRecord {
                file: reference.file_name(),
                sha256: images.sha256.clone(),
                images: images.count(),
            },
        };
        Ok(Comparison {
            methods: request.methods.clone(),
            reference: images,
            judge,
            setup,
            job,
        })
    }

    /// The neurons as they were resolved.
    pub fn neurons(&self) -> &[Neuron] {
        self.job.neurons()
    }

    /// Compares into a directory and gives the figures of every neuron. On the
    /// directory of the same comparison it goes on after the last neuron that
    /// is done.
    ///
    /// `watch` hears of every step and may stop the comparison.
    ///
    /// # Errors
    /// Those of [`Job::run`] where `inverse-set` fails; [`Error::Request`]
    /// where too few references lie in a range. Neurons that are done are kept;
    /// a new directory without any is removed.
    pub fn run(
        &mut self,
        directory: &Path,
        watch: &mut dyn FnMut(Step<'_>) -> Flow,
    ) -> Result<Report, Error> {
        let (mut folder, mut done) = Folder::open(directory, &self.setup)?;
        if done.len() == self.neurons().len() {
            // The page comes last: a process may have been killed before.
            if !page::is_there(directory) {
                page::write_compare(directory, &self.job.pair)?;
            }
            return Ok(Report::of(done));
        }
        let finished = self.go_on(&folder, &mut done, watch);
        if finished.is_err() && done.is_empty() {
            folder.discard();
        }
        finished?;
        let report = Report::of(done);
        folder.finish(&self.setup, &report)?;
        page::write_compare(directory, &self.job.pair)?;
        Ok(report)
    }

    /// Goes on until all neurons are done; writes what is done before each.
    fn go_on(
        &mut self,
        folder: &Folder,
        done: &mut Vec<NeuronReport>,
        watch: &mut dyn FnMut(Step<'_>) -> Flow,
    ) -> Result<(), Error> {
        heard(watch(Step::References))?;
        let reconstruct = self.methods.contains(&Method::Reconstruction);
        let pools = Pools::of(&self.job, &self.reference, &mut self.judge, reconstruct)?;
        for (neuron, pools) in self.neurons().iter().zip(&pools) {
            enough(neuron, pools)?;
        }
        for (index, pools) in pools.iter().enumerate().skip(done.len()) {
            folder.write(&self.setup, done)?;
            done.push(self.neuron(index, pools, folder, watch)?);
        }
        Ok(())
    }

    /// All methods and seeds of one neuron.
    fn neuron(
        &mut self,
        index: usize,
        pools: &Pools,
        folder: &Folder,
        watch: &mut dyn FnMut(Step<'_>) -> Flow,
    ) -> Result<NeuronReport, Error> {
        let neuron = self.job.neurons[index].clone();
        let real = pools.real();
        let class = self.judge.class_of(&neuron);
        let wanted = self.setup.run.samples.min(pools.references.count);
        let mut methods: Vec<MethodReport> = self.methods.iter().map(report_of).collect();
        let mut shown = Vec::new();
        for number in 0..self.setup.seeds {
            let measure = Measure {
                pools,
                real: &real,
                wanted,
                seed: self.setup.run.seed + number as u64,
                lengths: [
                    self.job.encoding.len(&self.job.pair.classifier.network),
                    self.judge.features_len(),
                ],
                class,
                rival: None,
            };
            let before = (index * self.setup.seeds + number) * self.methods.len();
            let found = self.seed(index, measure, &mut methods, before, watch)?;
            if number == 0 {
                shown = found;
            }
        }
        let suffix = match self.job.neurons.len() {
            1 => String::new(),
            _ => format!("-{}", neuron.slug()),
        };
        let picture = format!("figure{suffix}.png");
        let representatives = format!("figure{suffix}.safetensors");
        folder.write_representatives(
            [&representatives, &picture],
            &Representatives::of(&shown),
            shown.len(),
            self.reference.shape,
        )?;
        Ok(NeuronReport {
            compared: wanted,
            references: pools.references.count,
            dataset: pools.dataset.count,
            real_judged: class.and_then(|class| real.share_of(class)),
            picture,
            representatives,
            methods,
            neuron,
        })
    }

    /// One run of every method, after `before` other runs: adds the figures to
    /// the reports, and gives what was found in their order.
    fn seed(
        &mut self,
        index: usize,
        mut measure: Measure<'_>,
        reports: &mut [MethodReport],
        before: usize,
        watch: &mut dyn FnMut(Step<'_>) -> Flow,
    ) -> Result<Vec<ImageSet>, Error> {
        let contest = Contest {
            job: &self.job,
            index,
            reference: &self.reference,
            pools: measure.pools,
            wanted: measure.wanted,
        };
        let all = self.job.neurons.len() * self.setup.seeds * self.methods.len();
        let given = self.setup.evals_per_sample;
        let mut budget = given.map(|evals| evals * measure.wanted as f64);
        let mut shown = vec![ImageSet::default(); reports.len()];
        for (run, place) in in_order(&self.methods).into_iter().enumerate() {
            let method = self.methods[place];
            heard(watch(Step::Run {
                neuron: &self.job.neurons[index],
                method,
                runs: [before + run, all],
            }))?;
            let allowed = budget.filter(|_| method != Method::InverseSet);
            let found = contest.run(method, measure.seed, allowed, &mut self.judge)?;
            if method == Method::InverseSet {
                budget = budget.or(found.evaluations);
                measure.rival = Some(found.set.clone());
            }
            reports[place].runs.push(measure.figures(&found));
            shown[place] = found.set;
        }
        Ok(shown)
    }
}

/// The places of the methods in the order of their runs: `inverse-set`, whose
/// cost is the others' budget, comes first.
fn in_order(methods: &[Method]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..methods.len()).collect();
    places.sort_by_key(|&place| methods[place] != Method::InverseSet);
    places
}

fn report_of(method: &Method) -> MethodReport {
    MethodReport {
        method: method.name().to_owned(),
        runs: Vec::new(),
    }
}

fn refused(what: String) -> Error {
    Error::Request(format!("comparing: {what}"))
}

fn heard(flow: Flow) -> Result<(), Error> {
    match flow {
        Flow::Continue => Ok(()),
        Flow::Stop => Err(Error::Sampler("comparing was stopped on request".into())),
    }
}

/// Fewer references than these have no fifth neighbour.
fn enough(neuron: &Neuron, pools: &Pools) -> Result<(), Error> {
    let (found, least) = (pools.references.count, NEIGHBOURS + 1);
    if found >= least {
        return Ok(());
    }
    Err(refused(format!(
        "{neuron}: {found} of the even-numbered reference images lie in {}, expected at least {least}; widen the range, or give other images by --reference",
        neuron.range()
    )))
}
