//! The directory of a comparison.
//!
//! `compare.json` holds the setup and the neurons that are done. It is written
//! anew after each of them, so that the same comparison goes on where it
//! stopped.

use std::fmt::Write as _;
use std::path::Path;

use netfile::disk;
use serde::{Deserialize, Serialize};

use super::figures::FIGURES;
use super::report::{NeuronReport, Report, Setup};
use super::representatives::Representatives;
use crate::Error;
use crate::claim::{Claim, is_occupied};
use crate::grid::{BACKGROUND, COLUMNS, Images, contact_sheet};
use crate::results::read;

const JSON: &str = "compare.json";
const CSV: &str = "compare.csv";

/// `compare.json` as it is read again.
#[derive(Deserialize)]
pub(crate) struct Stored {
    pub setup: Setup,
    pub neurons: Vec<NeuronReport>,
}

/// Whether a directory holds a comparison, finished or not.
pub(crate) fn is_one(directory: &Path) -> bool {
    directory.join(JSON).exists()
}

impl Stored {
    /// Reads a finished comparison.
    ///
    /// # Errors
    /// [`Error::Directory`] where it is unfinished or damaged, [`Error::Io`]
    /// where it cannot be read.
    pub(crate) fn open(directory: &Path) -> Result<Stored, Error> {
        let path = directory.join(JSON);
        let text = netfile::map_file(&path).map_err(|cause| Error::from_read(&path, cause))?;
        let refused = |cause: String| Error::Directory {
            path: path.clone(),
            cause,
        };
        let stored: Stored = serde_json::from_slice(&text)
            .map_err(|cause| refused(format!("is damaged ({cause})")))?;
        let methods = stored.setup.methods.len();
        let whole = |neuron: &NeuronReport| {
            let runs = neuron.methods.iter().map(|method| method.runs.len());
            neuron.methods.len() == methods && runs.eq([stored.setup.seeds].repeat(methods))
        };
        if stored.neurons.is_empty() || !stored.neurons.iter().all(whole) {
            return Err(refused("is damaged (methods or runs are missing)".into()));
        }
        match stored.neurons.len() == stored.setup.run.neurons.len() {
            true => Ok(stored),
            false => Err(refused(
                "holds an unfinished comparison; finish it with the command that it was begun with"
                    .into(),
            )),
        }
    }
}

/// `compare.json`.
#[derive(Serialize)]
struct Record<'a, R> {
    setup: &'a Setup,
    #[serde(flatten)]
    report: R,
}

/// The report of a comparison that is not finished.
#[derive(Serialize)]
struct Unfinished<'a> {
    neurons: &'a [NeuronReport],
}

/// A directory that holds one comparison.
#[derive(Debug)]
pub(crate) struct Folder {
    claim: Claim,
}

impl Folder {
    /// Makes the directory, or finds the same comparison in it; also gives the
    /// neurons that are done.
    ///
    /// # Errors
    /// [`Error::Directory`] where it holds something else, or another process
    /// works in it, [`Error::Io`] where it cannot be written.
    pub(crate) fn open(path: &Path, setup: &Setup) -> Result<(Folder, Vec<NeuronReport>), Error> {
        // Nothing is written where it is not wanted, not even a lock.
        find(path, setup)?;
        let mut folder = Folder {
            claim: Claim::new(path),
        };
        let begun = folder.begin(setup);
        let done = begun.inspect_err(|_| folder.claim.give_up())?;
        Ok((folder, done))
    }

    fn begin(&mut self, setup: &Setup) -> Result<Vec<NeuronReport>, Error> {
        self.claim.take(&mut |_| {})?;
        // Until the lock was taken, another process may have done anything.
        match find(self.claim.path(), setup)? {
            Some(done) => Ok(done),
            None => {
                let written = self.write(setup, &[]);
                written.inspect_err(|_| self.discard())?;
                Ok(Vec::new())
            }
        }
    }

    /// Takes away what was made for a comparison that has come to nothing.
    pub(crate) fn discard(&mut self) {
        // What cannot be removed stays; the error that led here is the one to
        // report.
        let _ = disk::remove_file(&self.claim.path().join(JSON));
        self.claim.give_up();
    }

    /// Writes what is done so far.
    pub(crate) fn write(&self, setup: &Setup, neurons: &[NeuronReport]) -> Result<(), Error> {
        self.write_record(setup, Unfinished { neurons })
    }

    /// Writes everything.
    pub(crate) fn finish(&self, setup: &Setup, report: &Report) -> Result<(), Error> {
        self.replace(CSV, csv(&report.neurons).as_bytes())?;
        self.write_record(setup, report)
    }

    fn write_record(&self, setup: &Setup, report: impl Serialize) -> Result<(), Error> {
        let record = Record { setup, report };
        let mut json = serde_json::to_vec_pretty(&record).expect("records are plain");
        json.push(b'\n');
        self.replace(JSON, &json)
    }

    /// Keeps representatives, images of `shape`, and draws a row of them for
    /// each of `methods` methods.
    pub(crate) fn write_representatives(
        &self,
        [file, picture]: [&str; 2],
        kept: &Representatives,
        methods: usize,
        shape: [usize; 3],
    ) -> Result<(), Error> {
        self.replace(file, &kept.to_bytes(shape))?;
        let row = COLUMNS * shape.iter().product::<usize>();
        let rows = (0..methods).flat_map(|method| {
            let mut images = kept.of_method(method);
            images.resize(row, BACKGROUND);
            images
        });
        let images = Images {
            bytes: &rows.collect::<Vec<u8>>(),
            shape,
        };
        let sheet = contact_sheet(images, methods * COLUMNS);
        let path = self.claim.path().join(picture);
        self.replace(
            picture,
            &sheet.map_err(|cause| Error::from_encode(&path, cause))?,
        )
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.claim.path().join(name);
        netfile::replace_file(&path, bytes).map_err(|cause| Error::from_write(&path, cause))
    }
}

/// The neurons that are done of the same comparison, if that is there.
fn find(path: &Path, setup: &Setup) -> Result<Option<Vec<NeuronReport>>, Error> {
    let refused = |cause: &str| Error::Directory {
        path: path.to_owned(),
        cause: cause.to_owned(),
    };
    let Some(bytes) = read(&path.join(JSON))? else {
        return match is_occupied(path) {
            true => Err(refused(
                "is not empty and holds no comparison; choose another directory",
            )),
            false => Ok(None),
        };
    };
    let stored = serde_json::from_slice::<Stored>(&bytes).ok();
    match stored.filter(|stored| stored.setup == *setup) {
        Some(stored) => Ok(Some(stored.neurons)),
        None => Err(refused(
            "holds another comparison; choose another directory, or remove it",
        )),
    }
}

/// One line per neuron, method and seed; a figure that a run does not have is
/// empty.
fn csv(neurons: &[NeuronReport]) -> String {
    let mut text = "neuron,lo,hi,method,seed".to_owned();
    for (name, _) in FIGURES {
        text.extend([",", name]);
    }
    text.push('\n');
    for report in neurons {
        let neuron = &report.neuron;
        for method in &report.methods {
            for run in &method.runs {
                let quoted = neuron.to_string().replace('"', "\"\"");
                let (lo, hi) = (neuron.lo, neuron.hi);
                let _ = write!(
                    text,
                    "\"{quoted}\",{lo},{hi},{},{}",
                    method.method, run.seed
                );
                for (_, read) in FIGURES {
                    let value = read(run).map_or(String::new(), |value| value.to_string());
                    text.extend([",", &value]);
                }
                text.push('\n');
            }
        }
    }
    text
}
