//! A plan: an atlas that is to be sampled in shards, by many processes.

use std::fs::File;
use std::io::Read as _;
use std::iter::StepBy;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Atlas, AtlasRecord};
use crate::encoding::Encoding;
use crate::pair::Loaded;
use crate::{Error, FileSource};

/// The version of plans that is written and read.
const VERSION: u32 = 1;

/// Most shards, unless more are asked for.
const USUAL: usize = 1_000;

/// Most bytes of a plan's file.
const LONGEST: u64 = 64 << 20;

/// An atlas that is to be sampled in shards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    version: u32,
    /// Version of the program.
    program: String,
    /// The directory of the atlas, an absolute path.
    pub out: PathBuf,
    /// How many shards there are, at least one.
    pub shards: usize,
    /// Where networks lay when the plan was made.
    pub networks: NetworkPlaces,
    /// What is sampled.
    pub request: AtlasRecord,
}

/// Where the networks of a plan lay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkPlaces {
    /// The classifier.
    pub classifier: NetworkPlace,
    /// The generator; none where pixels are searched.
    pub generator: Option<NetworkPlace>,
    /// The network that distances are measured in, where it is another one.
    pub encoder: Option<NetworkPlace>,
}

/// Where a network lay. That is a hint; which network it was, its SHA-256 says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkPlace {
    /// An absolute path; none of one that is in the program itself.
    pub file: Option<PathBuf>,
    /// Of the whole file, in hexadecimal.
    pub sha256: String,
}

/// Some of an atlas's neurons: every so many, from one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 0.
    pub index: usize,
    /// How many shards there are, at least one.
    pub shards: usize,
}

impl Shard {
    /// All neurons.
    pub const WHOLE: Shard = Shard {
        index: 0,
        shards: 1,
    };

    /// The numbers of its neurons, of `count` in all.
    pub(super) fn of(self, count: usize) -> StepBy<Range<usize>> {
        (self.index.min(count)..count).step_by(self.shards)
    }
}

/// What a file must tell first.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Atlas {
    /// A plan to sample into a directory; of as many shards as there are
    /// neurons, but at most a thousand, if no number is given.
    ///
    /// # Errors
    /// [`Error::Request`] for more shards than neurons, or none, and for a path
    /// that no plan can hold; [`Error::Io`] where the current directory is not
    /// known.
    pub fn plan(&self, out: &Path, shards: Option<usize>) -> Result<Plan, Error> {
        let count = self.neurons.len();
        let shards = shards.unwrap_or(count.min(USUAL));
        if !(1..=count).contains(&shards) {
            return Err(Error::Request(format!(
                "{shards} shards of {count} neurons: expected 1 to {count}"
            )));
        }
        let pair = &self.job.pair;
        let encoder = match &self.job.encoding {
            Encoding::Network { network, .. } => Some(place(network)?),
            _ => None,
        };
        Ok(Plan {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            out: absolute(out)?,
            shards,
            networks: NetworkPlaces {
                classifier: place(&pair.classifier)?,
                generator: pair.generator.as_ref().map(place).transpose()?,
                encoder,
            },
            request: self.record(),
        })
    }
}

fn place(network: &Loaded) -> Result<NetworkPlace, Error> {
    let file = match network.file.source() {
        Some(FileSource::Disk(path)) => Some(absolute(path)?),
        _ => None,
    };
    Ok(NetworkPlace {
        file,
        sha256: network.file.sha256(),
    })
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let absolute =
        std::path::absolute(path).map_err(|cause| Error::io("looking for", path, cause))?;
    match absolute.to_str() {
        Some(_) => Ok(absolute),
        None => Err(Error::Request(format!(
            "planning with {}: a plan holds paths in UTF-8 only; choose another path",
            path.display()
        ))),
    }
}

impl Plan {
    /// Writes the plan to a file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] where that cannot be written, [`Error::Request`] for a plan
    /// that is too long to be read again.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(self).expect("a plan is plain");
        text.push(b'\n');
        if text.len() as u64 > LONGEST {
            return Err(refused(path, "of more than 64 MiB; plan fewer neurons"));
        }
        netfile::replace_file(path, &text).map_err(|cause| Error::from_write(path, cause))
    }

    /// Reads the plan in a file.
    ///
    /// # Errors
    /// [`Error::Io`] where that cannot be read, [`Error::Request`] where it holds
    /// no plan.
    pub fn read(path: &Path) -> Result<Plan, Error> {
        let mut text = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut text));
        read.map_err(|cause| Error::io("reading the plan", path, cause))?;
        Plan::parse(&text).map_err(|what| refused(path, &what))
    }

    /// The error says what is wrong.
    fn parse(text: &[u8]) -> Result<Plan, String> {
        if text.len() as u64 > LONGEST {
            return Err("of more than 64 MiB, which is none".to_owned());
        }
        let Version { version } = parsed(text)?;
        if version != VERSION {
            return Err(format!(
                "of version {version}, expected {VERSION}; make it again with sampler-cli atlas --plan"
            ));
        }
        let plan: Plan = parsed(text)?;
        plan.request.check()?;
        let count = plan.request.count();
        if !(1..=count).contains(&plan.shards) {
            return Err(format!("{} shards, expected 1 to {count}", plan.shards));
        }
        match plan.out.is_absolute() {
            true => Ok(plan),
            false => Err(format!("its directory {:?} is no absolute path", plan.out)),
        }
    }

    /// One of its shards.
    ///
    /// # Errors
    /// [`Error::Request`] where it has no shard of that number.
    pub fn shard(&self, index: usize) -> Result<Shard, Error> {
        let shards = self.shards;
        match index < shards {
            true => Ok(Shard { index, shards }),
            false => Err(Error::Request(format!(
                "shard {index}: the plan has {shards}, 0 to {}",
                shards - 1
            ))),
        }
    }
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|cause| format!("that is none ({cause})"))
}

fn refused(path: &Path, what: &str) -> Error {
    Error::Request(format!("the plan {}: {what}", path.display()))
}
