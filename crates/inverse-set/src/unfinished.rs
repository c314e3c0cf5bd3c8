//! Going on with results from what their directory says of itself.

use std::path::{Path, PathBuf};

use sampler::Options;
use serde::Deserialize as _;

use crate::atlas::{self, Atlas, AtlasRecord};
use crate::directory::Directory;
use crate::encoding::Distance;
use crate::job::clamp_of;
use crate::levels::{self, Asked};
use crate::pair::Pair;
use crate::record::{EncoderRecord, NetworkRecord, Run};
use crate::{Error, Job, Levels, Needed, Request};

/// What was asked for in a directory, whether that is finished or not.
pub struct Unfinished {
    directory: PathBuf,
    asked: What,
}

enum What {
    Run(Box<Run>),
    Levels(Box<Asked>),
    Atlas(Box<AtlasRecord>),
}

/// Work to go on with, in the directory that it was begun in.
#[derive(Debug)]
pub enum Work {
    /// For [`Job::run`].
    Run(Box<Job>),
    /// For [`Levels::run`].
    Levels(Box<Levels>),
    /// For [`Atlas::run`].
    Atlas(Box<Atlas>),
}

impl Unfinished {
    /// Reads the record of a run, of levels or of an atlas.
    ///
    /// # Errors
    /// [`Error::Directory`] where there is none or it is damaged, [`Error::Io`]
    /// where it cannot be read.
    pub fn of(directory: &Path) -> Result<Unfinished, Error> {
        let asked = if levels::are_there(directory) {
            What::Levels(Box::new(levels::asked(directory)?))
        } else if atlas::are_there(directory) {
            What::Atlas(Box::new(AtlasRecord::of(directory)?))
        } else if crate::compare::is_one(directory) {
            return Err(refused(
                directory,
                "holds a comparison; the command that began it goes on with it",
            ));
        } else {
            What::Run(Box::new(Directory::at(directory).record()?))
        };
        Ok(Unfinished {
            directory: directory.to_owned(),
            asked,
        })
    }

    /// The networks that were used; no generator in pixel space.
    pub fn needed(&self) -> Needed {
        let (classifier, generator) = match &self.asked {
            What::Run(run) => (&run.classifier, &run.generator),
            What::Levels(asked) => (&asked.classifier, &asked.generator),
            What::Atlas(asked) => return asked.needed(),
        };
        Needed {
            classifier: classifier.clone(),
            generator: generator.clone(),
        }
    }

    /// The network that distances are measured in, where it is another one.
    pub fn encoder(&self) -> Option<&NetworkRecord> {
        match &self.asked {
            What::Run(run) => run.encoder.network(),
            What::Levels(asked) => asked.encoder.network(),
            What::Atlas(asked) => asked.encoder(),
        }
    }

    /// The same request once more, with the networks that were used; `encoder`
    /// is the file of the third one, where there is one.
    ///
    /// # Errors
    /// [`Error::Directory`] for a record that asks for nothing which can be
    /// carried out, and those of [`Job::new`].
    pub fn work(
        &self,
        pair: Pair,
        encoder: Option<&Path>,
        max_evals: Option<u64>,
    ) -> Result<Work, Error> {
        match &self.asked {
            What::Run(run) => {
                let request = Request {
                    max_evals,
                    ..self.request_of(run, encoder)?
                };
                Ok(Work::Run(Box::new(Job::new(pair, &request)?)))
            }
            What::Levels(asked) => {
                let request = Request {
                    neurons: vec![asked.neuron.expression.clone()],
                    samples: asked.samples,
                    seed: asked.seed,
                    distance: self.distance(&asked.encoder, encoder)?,
                    max_evals,
                    ..Request::default()
                };
                let levels = Levels::new(pair, &request, asked.levels)?;
                Ok(Work::Levels(Box::new(levels)))
            }
            // The limit decides which neurons are missed, and is part of what was
            // asked for.
            What::Atlas(_) if max_evals.is_some() => Err(Error::Request(format!(
                "going on with {}: an atlas keeps its --max-evals; leave it out",
                self.directory.display()
            ))),
            What::Atlas(asked) => {
                let encoder = encoder.map(Path::to_owned);
                let atlas = Atlas::again(pair, encoder, asked, &self.directory)?;
                Ok(Work::Atlas(Box::new(atlas)))
            }
        }
    }

    fn request_of(&self, run: &Run, encoder: Option<&Path>) -> Result<Request, Error> {
        let damaged = |cause: String| {
            refused(
                &self.directory,
                &format!("its run.json is damaged ({cause}); remove it and sample again"),
            )
        };
        let options =
            Options::deserialize(&run.sampler).map_err(|cause| damaged(cause.to_string()))?;
        let clamp = clamp_of(&run.clamp)
            .ok_or_else(|| damaged(format!("the unknown clamp {:?}", run.clamp)))?;
        let neurons = run.neurons.iter().map(|neuron| neuron.expression.clone());
        Ok(Request {
            neurons: neurons.collect(),
            samples: run.samples,
            batch: options.batch,
            seed: run.seed,
            distance: self.distance(&run.encoder, encoder)?,
            clamp,
            max_evals: None,
            images: run.images,
        })
    }

    fn distance(&self, record: &EncoderRecord, file: Option<&Path>) -> Result<Distance, Error> {
        record.distance(file).ok_or_else(|| {
            refused(
                &self.directory,
                "was made with the encoder of another network; give its file",
            )
        })
    }
}

fn refused(directory: &Path, cause: &str) -> Error {
    Error::Directory {
        path: directory.to_owned(),
        cause: cause.to_owned(),
    }
}
