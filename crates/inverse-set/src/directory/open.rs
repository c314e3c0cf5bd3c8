//! Finding, beginning and giving up a run directory.

use std::path::Path;

use netfile::disk;

use super::{BATCHES, Directory, LOG, MANIFEST, RUN, SAMPLES, STATE};
use crate::Error;
use crate::claim::{Claim, is_occupied, remove_leftovers};
use crate::lock;
use crate::record::{Run, StoredImages};
use crate::results;

/// What was found where a run is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing; the directory was made and holds the run's record.
    Nothing,
    /// The same run, not yet finished.
    Unfinished,
    /// The same run, finished.
    Finished,
}

impl Directory {
    /// Makes the directory for a run, or finds the same run in it; until this
    /// value is dropped, no other process can. `waits` is told of a process
    /// elsewhere that has to be watched before.
    ///
    /// # Errors
    /// [`Error::Directory`] where it holds another run or something else, or
    /// another process works in it; [`Error::Io`] where it cannot be written.
    pub(crate) fn open(
        path: &Path,
        run: &Run,
        waits: &mut dyn FnMut(String),
    ) -> Result<(Directory, Found), Error> {
        let mut directory = Directory::at(path);
        // Nothing is written where it is not wanted, not even a lock.
        if directory.find(run)? == Found::Finished {
            lock::clear(path);
            return Ok((directory, Found::Finished));
        }
        let begun = directory.begin(run, waits);
        let found = begun.inspect_err(|_| directory.claim.give_up())?;
        Ok((directory, found))
    }

    /// Finds a finished run.
    ///
    /// # Errors
    /// [`Error::Directory`] where there is none, or its record is damaged;
    /// [`Error::Io`] where it cannot be read.
    pub(crate) fn of_finished(path: &Path) -> Result<(Directory, Run), Error> {
        let directory = Directory::at(path);
        let run = directory.record()?;
        match path.join(MANIFEST).exists() {
            true => Ok((directory, run)),
            false => Err(directory.refused(
                "holds an unfinished run; finish it with the command that it was begun with, or with sampler-cli resume",
            )),
        }
    }

    pub(crate) fn at(path: &Path) -> Directory {
        Directory {
            claim: Claim::new(path),
        }
    }

    /// The record of the run, finished or not.
    ///
    /// # Errors
    /// [`Error::Directory`] where there is none, or it is damaged;
    /// [`Error::Io`] where it cannot be read.
    pub(crate) fn record(&self) -> Result<Run, Error> {
        let text = results::read(&self.claim.path().join(RUN))?;
        let text = text.ok_or_else(|| self.refused("holds no run"))?;
        serde_json::from_slice(&text).map_err(|cause| self.damaged(RUN, &cause.to_string()))
    }

    /// What is there.
    fn find(&self, run: &Run) -> Result<Found, Error> {
        let Some(text) = results::read(&self.claim.path().join(RUN))? else {
            return match is_occupied(self.claim.path()) {
                true => {
                    Err(self.refused("is not empty and holds no run; choose another directory"))
                }
                false => Ok(Found::Nothing),
            };
        };
        let held: Option<Run> = serde_json::from_slice(&text).ok();
        if held.as_ref() != Some(run) {
            return Err(self.refused(&other_run(held, run)));
        }
        match self.claim.path().join(MANIFEST).exists() {
            true => Ok(Found::Finished),
            false => Ok(Found::Unfinished),
        }
    }

    fn begin(&mut self, run: &Run, waits: &mut dyn FnMut(String)) -> Result<Found, Error> {
        self.claim.take(waits)?;
        // Until the lock was taken, another process may have done anything.
        let found = self.find(run)?;
        match found {
            Found::Nothing => self.prepare(run).inspect_err(|_| self.discard())?,
            Found::Unfinished => self.prepare(run)?,
            Found::Finished => self.claim.release(),
        }
        Ok(found)
    }

    /// Writes the record, and makes the folders that are missing.
    fn prepare(&self, run: &Run) -> Result<(), Error> {
        if !self.claim.path().join(RUN).exists() {
            self.write_json(RUN, run)?;
        }
        self.make(BATCHES)?;
        match run.images {
            StoredImages::Png => self.make(SAMPLES),
            _ => Ok(()),
        }
    }

    /// Makes a folder in it, or clears the one that is there of what a process
    /// left that was killed.
    pub(super) fn make(&self, name: &str) -> Result<(), Error> {
        let folder = self.claim.path().join(name);
        disk::refuse_link(&folder).map_err(|cause| Error::io("opening", &folder, cause))?;
        disk::make_folders(&folder, &mut Vec::new()).map_err(Error::from_make)?;
        remove_leftovers(&folder)
    }

    /// Takes away everything that was made for a run that accepted nothing.
    pub(crate) fn discard(&mut self) {
        // What cannot be removed, or was put there by somebody else, stays;
        // the error that led here is the one to report.
        for name in [STATE, LOG] {
            let _ = disk::remove_file(&self.claim.path().join(name));
        }
        for name in [BATCHES, SAMPLES] {
            let _ = disk::remove_folder(&self.claim.path().join(name));
        }
        // The record goes last, and not without the others: by it the next
        // process sees that they are a run's.
        let others = [STATE, LOG, BATCHES, SAMPLES];
        if !others
            .iter()
            .any(|name| self.claim.path().join(name).exists())
        {
            let _ = disk::remove_file(&self.claim.path().join(RUN));
        }
        self.claim.give_up();
    }
}

/// Why a directory that holds a run is no place for this one.
fn other_run(held: Option<Run>, run: &Run) -> String {
    let Some(held) = held else {
        return "holds a run whose run.json is damaged; choose another directory, or remove it"
            .to_owned();
    };
    let here = Run {
        instruction_set: run.instruction_set.clone(),
        ..held.clone()
    };
    if here == *run {
        return format!(
            "holds this run made with {}; with {} its last bits would differ; go on with the --device that it was begun on, choose another directory, or remove it",
            held.instruction_set, run.instruction_set
        );
    }
    let here = Run {
        program: run.program.clone(),
        ..here
    };
    match here == *run {
        true => format!(
            "holds this run begun by version {} of this program, and this is {}; go on with that version, choose another directory, or remove it",
            held.program, run.program
        ),
        false => "holds another run; choose another directory, or remove it".to_owned(),
    }
}
