//! A neuron level by level: from low activations to the highest that can be
//! reached, a row of samples for each.

mod picture;
mod record;
mod span;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::results::Results;
use crate::{Device, Error, Event, Flow, Job, Neuron, Pair, Request, StoredImages, Summary, page};
pub(crate) use record::{Asked, Recorded, Row, are_there, asked, folder, recorded, sampled};
use record::{Found, RECORD};
use span::Span;

const PICTURE: &str = "levels.png";

/// Most levels.
const MOST: usize = 100;

/// One neuron's activations, cut into levels that are sampled one by one.
#[derive(Debug)]
pub struct Levels {
    pair: Pair,
    question: Question,
}

/// What is to be found out about a pair.
#[derive(Debug)]
struct Question {
    request: Request,
    count: usize,
    /// As it was asked for; ends that are to be found are infinite.
    neuron: Neuron,
}

/// What is told while levels are sampled.
#[derive(Debug)]
#[non_exhaustive]
pub enum LevelEvent<'a> {
    /// The ends of the levels are being found.
    Finding,
    /// A level begins.
    Begins {
        /// Its number, from 0.
        index: usize,
        /// How many there are.
        of: usize,
        /// The neuron with the level's range.
        neuron: &'a Neuron,
    },
    /// The level goes on.
    Goes(Event),
}

/// What all levels amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelsSummary {
    /// The directory with the results.
    pub directory: PathBuf,
    /// Evaluations that it took to find the ends of the levels.
    pub finding: f64,
    /// From low to high.
    pub levels: Vec<Level>,
}

/// One level.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The neuron with the level's range.
    pub neuron: Neuron,
    /// Its samples, or why there are none.
    pub outcome: Outcome,
}

/// Whether a level could be sampled.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It could.
    Sampled(Summary),
    /// It could not, and why.
    Missed(String),
}

impl Levels {
    /// `count` levels of the only neuron of a request, with as many samples
    /// each. Ends of its range that are left out are found: the lower one is
    /// the 5 % quantile over the images that the classifier's file tells of, or
    /// else over images at starting codes, the upper one the greatest activation
    /// that plain ascent reaches. Nothing is computed or written yet.
    ///
    /// # Errors
    /// [`Error::Request`] says what cannot be carried out, and what to try.
    pub fn new(pair: Pair, request: &Request, count: usize) -> Result<Levels, Error> {
        let refused = |what: String| Err(Error::Request(what));
        let [text] = request.neurons.as_slice() else {
            let found = request.neurons.len();
            return refused(format!("cutting {found} neurons into levels: expected one"));
        };
        if !(1..=MOST).contains(&count) {
            return refused(format!("cutting into {count} levels: expected 1 to {MOST}"));
        }
        if request.images == StoredImages::None {
            return refused("storing no images of levels: expected png or tensor".into());
        }
        let neuron = span::given(text, &pair)?;
        let question = Question {
            request: request.clone(),
            count,
            neuron,
        };
        Ok(Levels { pair, question })
    }

    /// How many levels there are.
    pub fn count(&self) -> usize {
        self.question.count
    }

    /// How many samples of each are asked for.
    pub fn samples(&self) -> usize {
        self.question.request.samples
    }

    /// Where the networks run.
    pub fn device(&self) -> &Device {
        self.pair.classifier.network.device()
    }

    /// `runs/levels-<neuron>-<LEVELS>x<N>-<seed>`.
    pub fn default_directory(&self) -> PathBuf {
        let Question {
            request,
            count,
            neuron,
        } = &self.question;
        // Two open ends make `..`, which says nothing.
        let slug = neuron.slug();
        let slug = slug.strip_suffix("-..").unwrap_or(&slug);
        let Request { samples, seed, .. } = request;
        Path::new("runs").join(format!("levels-{slug}-{count}x{samples}-{seed}"))
    }

    /// Samples every level into a run directory of its own, `level-000` and so
    /// on, and puts a picture, a page and a record beside them. The picture has a row for
    /// each level, the lowest on top; its images go from low to high, at most
    /// twenty of them; the row of a level that was missed is empty. A directory
    /// that was left unfinished is gone on with.
    ///
    /// # Errors
    /// Those of [`Job::run`]; but a level that cannot be reached, or takes too
    /// many evaluations, is only recorded, unless it happens to all of them.
    pub fn run(
        self,
        directory: &Path,
        watch: &mut dyn FnMut(LevelEvent<'_>) -> Flow,
    ) -> Result<LevelsSummary, Error> {
        let Levels { pair, question } = self;
        // Refuses what any level would, before anything is written.
        let job = question.job(pair, "0..")?;
        let request = serde_json::to_value(question.asked(&job)).expect("a record is plain");
        let mut waits = |holder| {
            watch(LevelEvent::Goes(Event::Waiting { holder }));
        };
        let (mut results, found) = Results::open(directory, RECORD, request, &mut waits)?;
        let (span, levels, pair) = question
            .all(job, found.as_ref(), &mut results, watch)
            .inspect_err(|_| results.discard())?;
        results.write_record(&Found {
            span,
            levels: Some(levels.iter().map(Row::of).collect()),
        })?;
        page::write_levels(directory, &pair)?;
        Ok(LevelsSummary {
            directory: directory.to_owned(),
            finding: span.evaluations,
            levels,
        })
    }
}

impl Question {
    /// Finds the ends, unless that was done before, and samples every level.
    fn all(
        &self,
        job: Job,
        found: Option<&Value>,
        results: &mut Results,
        watch: &mut dyn FnMut(LevelEvent<'_>) -> Flow,
    ) -> Result<(Span, Vec<Level>, Pair), Error> {
        let known = found.and_then(|found| serde_json::from_value(found["span"].clone()).ok());
        let span = match known {
            Some(span) => span,
            None => {
                watch(LevelEvent::Finding);
                self.span(&job)?
            }
        };
        let edges = span::edges(span, self.count)?;
        if known.is_none() {
            results.write_record(&Found { span, levels: None })?;
        }
        let (levels, pair) = self.sample(job.pair, &edges, results, watch)?;
        Ok((span, levels, pair))
    }

    fn sample(
        &self,
        mut pair: Pair,
        edges: &[f64],
        results: &Results,
        watch: &mut dyn FnMut(LevelEvent<'_>) -> Flow,
    ) -> Result<(Vec<Level>, Pair), Error> {
        let mut levels = Vec::new();
        let mut rows = picture::Rows::new(self.request.samples);
        let mut last_miss = None;
        for (index, ends) in edges.windows(2).enumerate() {
            let job = self.job(pair, &format!("{:?}..{:?}", ends[0], ends[1]))?;
            let neuron = job.neurons[0].clone();
            let begins = LevelEvent::Begins {
                index,
                of: self.count,
                neuron: &neuron,
            };
            let mut flow = watch(begins);
            if flow == Flow::Stop {
                return Err(Error::Stopped {
                    done: index,
                    of: self.count,
                    what: "levels",
                });
            }
            let directory = results.folder(&folder(index))?;
            let sampled = job.run(&directory, &mut |event| {
                if flow == Flow::Continue {
                    flow = watch(LevelEvent::Goes(event));
                }
                flow
            });
            let outcome = match sampled {
                Ok(summary) => {
                    rows.add(&job, &directory)?;
                    Outcome::Sampled(summary)
                }
                Err(error) if flow == Flow::Continue && error.is_miss() => {
                    rows.skip();
                    let why = error.to_string();
                    last_miss = Some(error);
                    Outcome::Missed(why)
                }
                Err(error) => return Err(error.within(index, self.count, "levels")),
            };
            pair = job.pair;
            levels.push(Level { neuron, outcome });
        }
        match last_miss {
            Some(error) if rows.are_empty() => Err(error),
            _ => rows.write(results, PICTURE).map(|()| (levels, pair)),
        }
    }

    /// The job of one range.
    fn job(&self, pair: Pair, range: &str) -> Result<Job, Error> {
        let Neuron { layer, unit, .. } = &self.neuron;
        let request = Request {
            neurons: vec![format!("{layer}:{unit}={range}")],
            ..self.request.clone()
        };
        Job::new(pair, &request)
    }

    /// Finds the ends that were not given.
    fn span(&self, job: &Job) -> Result<Span, Error> {
        let mut span = Span {
            lo: self.neuron.lo,
            hi: self.neuron.hi,
            evaluations: 0.0,
        };
        if span.lo.is_infinite() {
            span.lo = match span::low_quantile(&self.request.neurons[0], &job.pair)? {
                Some(low) => low,
                None => {
                    let (low, evaluations) = job.low_of_starts()?;
                    span.evaluations += evaluations;
                    low
                }
            };
        }
        if span.hi.is_infinite() {
            let (highest, evaluations) = job.highest()?;
            span.hi = highest;
            span.evaluations += evaluations;
        }
        Ok(span)
    }

    /// What `levels.json` says of the request.
    fn asked(&self, job: &Job) -> Asked {
        Asked {
            neuron: self.neuron.clone(),
            levels: self.count,
            samples: self.request.samples,
            seed: self.request.seed,
            classifier: job.record.classifier.clone(),
            generator: job.record.generator.clone(),
            encoder: job.record.encoder.clone(),
        }
    }
}
