//! Many neurons, each sampled on its own: an atlas of a network.
//!
//! Every neuron has a run directory in that of the atlas, so that neurons can be
//! sampled in any order, by any number of processes; what is complete is
//! gathered from the run directories alone.

mod plan;
mod record;
mod request;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use crate::neuron::{distinct, file_safe};
use crate::results::Results;
use crate::{Device, Error, Event, Flow, Job, Neuron, Outcome, Pair, Request, page};
pub use plan::{NetworkPlace, NetworkPlaces, Plan, Shard};
use record::{RECORD, Rows};
pub(crate) use record::{Recorded, Row, are_there, folder, recorded, sampled};
pub use request::AtlasRecord;

/// Most neurons.
const MOST: usize = 1_000_000;

/// Most bytes of a directory's name that tell what was asked for.
const LONGEST_NAME: usize = 60;

/// Neurons that are sampled one by one, all in the same way.
#[derive(Debug)]
pub struct Atlas {
    /// Aimed at one neuron after another.
    job: Job,
    neurons: Vec<Neuron>,
}

/// What is told while neurons are sampled.
#[derive(Debug)]
#[non_exhaustive]
pub enum AtlasEvent<'a> {
    /// A neuron begins.
    Begins {
        /// Its number in the atlas, from 0.
        index: usize,
        /// How many of the shard's neurons came before it.
        before: usize,
        /// How many the shard has.
        of: usize,
        /// The neuron with its range.
        neuron: &'a Neuron,
    },
    /// The neuron goes on.
    Goes(Event),
    /// It is done; one that was done before is told in the same way.
    Ends {
        /// Its number in the atlas, from 0.
        index: usize,
        /// Its samples, or why there are none.
        outcome: &'a Outcome,
    },
}

/// A neuron of an atlas.
#[derive(Clone, Debug, PartialEq)]
pub struct AtlasEntry {
    /// Its number in the atlas, from 0.
    pub index: usize,
    /// The neuron with its range.
    pub neuron: Neuron,
    /// Its samples, or why there are none; `None` while it is not done.
    pub outcome: Option<Outcome>,
}

impl Atlas {
    /// An atlas of neurons, each of which is sampled as the request says; the
    /// neurons of that are not looked at. Nothing is computed or written yet.
    ///
    /// # Errors
    /// Those of [`Job::new`], and [`Error::Request`] for no neuron, for more
    /// than a million, and for one that is given twice.
    pub fn new(pair: Pair, neurons: Vec<Neuron>, request: &Request) -> Result<Atlas, Error> {
        let count = neurons.len();
        if !(1..=MOST).contains(&count) {
            return Err(Error::Request(format!(
                "an atlas of {count} neurons: expected 1 to {MOST}"
            )));
        }
        distinct(&neurons)?;
        let first = vec![neurons[0].expression.clone()];
        let request = Request {
            neurons: first,
            ..request.clone()
        };
        let job = Job::new(pair, &request)?;
        Ok(Atlas { job, neurons })
    }

    /// Where the networks run.
    pub fn device(&self) -> &Device {
        self.job.device()
    }

    /// The neurons, in the order of their numbers.
    pub fn neurons(&self) -> &[Neuron] {
        &self.neurons
    }

    /// How many samples of each are asked for.
    pub fn samples(&self) -> usize {
        self.job.record.samples
    }

    /// `runs/atlas-<asked>-n<N>-<seed>`, where `asked` are the texts that the
    /// neurons were asked for with, as far as a file name may hold them.
    pub fn default_directory(&self, asked: &[String]) -> PathBuf {
        let asked = asked.iter().map(|text| file_safe(text));
        let asked: Vec<String> = asked.filter(|text| !text.is_empty()).collect();
        let name = match asked.join("+") {
            none if none.is_empty() => "neurons".to_owned(),
            long if long.len() > LONGEST_NAME => {
                format!("{}+{}-more", asked[0], asked.len() - 1)
            }
            name => name,
        };
        let (samples, seed) = (self.job.record.samples, self.job.record.seed);
        Path::new("runs").join(format!("atlas-{name}-n{samples}-{seed}"))
    }

    /// Samples every neuron into a run directory of its own, and puts a record
    /// and a page beside them. A directory that was left unfinished is gone on
    /// with.
    ///
    /// # Errors
    /// Those of [`Job::run`]; but a neuron whose range cannot be reached, or that
    /// takes too many evaluations, is only recorded.
    pub fn run(
        mut self,
        directory: &Path,
        watch: &mut dyn FnMut(AtlasEvent<'_>) -> Flow,
    ) -> Result<Vec<AtlasEntry>, Error> {
        let mut results = self.begin(directory)?;
        let entries = self
            .sample(&results, Shard::WHOLE, watch)
            .inspect_err(|_| results.discard())?;
        self.merge(directory)?;
        Ok(entries)
    }

    /// Samples the neurons of one shard into the directory of the atlas. Shards
    /// may run at the same time.
    ///
    /// # Errors
    /// Those of [`Atlas::run`].
    pub fn run_shard(
        mut self,
        directory: &Path,
        shard: Shard,
        watch: &mut dyn FnMut(AtlasEvent<'_>) -> Flow,
    ) -> Result<Vec<AtlasEntry>, Error> {
        let results = self.begin(directory)?;
        self.sample(&results, shard, watch)
    }

    /// Writes record and page from all neurons that are done, and says which
    /// these are. The bytes are those of [`Atlas::run`] once all of them are.
    ///
    /// # Errors
    /// [`Error::Directory`] for a directory with something else or a damaged
    /// file, [`Error::Io`] for one that cannot be read or written.
    pub fn merge(mut self, directory: &Path) -> Result<Vec<AtlasEntry>, Error> {
        let mut results = self.begin(directory)?;
        // Shards write nothing beside the record, and that only where there is
        // none: what they left half-written is no longer written.
        results.remove_leftovers()?;
        let mut entries = Vec::new();
        for index in 0..self.neurons.len() {
            let neuron = self.aim(index);
            let folder = results.folder(&folder(index, &neuron))?;
            let outcome = record::outcome(&self.job, &folder)?;
            entries.push(AtlasEntry {
                index,
                neuron,
                outcome,
            });
        }
        results.write_record(&Rows {
            neurons: entries.iter().map(Row::of).collect(),
        })?;
        page::write_atlas(directory, &self.job.pair)?;
        Ok(entries)
    }

    /// The directory, with what is asked for recorded in it. A record that is
    /// there may hold results, and is left alone.
    fn begin(&self, directory: &Path) -> Result<Results, Error> {
        let request = serde_json::to_value(self.record()).expect("a record is plain");
        let (mut results, found) = Results::find(directory, RECORD, request)?;
        if found.is_some() {
            return Ok(results);
        }
        match results.write_record(&serde_json::json!({})) {
            Ok(()) => Ok(results),
            // Another process was faster, has merged, and took this one's file
            // for one that is left.
            Err(Error::Io { cause, .. })
                if cause.kind() == io::ErrorKind::NotFound && record::are_there(directory) =>
            {
                self.begin(directory)
            }
            Err(error) => {
                results.give_up();
                Err(error)
            }
        }
    }

    /// Turns to a neuron.
    fn aim(&mut self, index: usize) -> Neuron {
        let neuron = &self.neurons[index];
        self.job.aim(neuron);
        neuron.clone()
    }

    fn sample(
        &mut self,
        results: &Results,
        shard: Shard,
        watch: &mut dyn FnMut(AtlasEvent<'_>) -> Flow,
    ) -> Result<Vec<AtlasEntry>, Error> {
        let numbers = shard.of(self.neurons.len());
        let of = numbers.len();
        let mut entries = Vec::new();
        let mut flow = Flow::Continue;
        for (before, index) in numbers.clone().enumerate() {
            let neuron = self.aim(index);
            let begins = AtlasEvent::Begins {
                index,
                before,
                of,
                neuron: &neuron,
            };
            if flow == Flow::Stop || watch(begins) == Flow::Stop {
                return Err(Error::Stopped {
                    done: before,
                    of,
                    what: "neurons",
                });
            }
            let folder = results.folder(&folder(index, &neuron))?;
            let outcome = match record::outcome(&self.job, &folder)? {
                Some(done) => done,
                None => self
                    .sample_one(&folder, watch)
                    .map_err(|error| error.within(before, of, "neurons"))?,
            };
            flow = watch(AtlasEvent::Ends {
                index,
                outcome: &outcome,
            });
            entries.push(AtlasEntry {
                index,
                neuron,
                outcome: Some(outcome),
            });
        }
        Ok(entries)
    }

    fn sample_one(
        &self,
        folder: &Path,
        watch: &mut dyn FnMut(AtlasEvent<'_>) -> Flow,
    ) -> Result<Outcome, Error> {
        let mut flow = Flow::Continue;
        let sampled = self.job.run(folder, &mut |event| {
            if flow == Flow::Continue {
                flow = watch(AtlasEvent::Goes(event));
            }
            flow
        });
        match sampled {
            Ok(summary) => Ok(Outcome::Sampled(summary)),
            Err(error) if flow == Flow::Continue && error.is_miss() => {
                record::miss(&self.job, folder, &error)
            }
            Err(error) => Err(error),
        }
    }
}
