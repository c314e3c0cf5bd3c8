//! A directory of results that one JSON record describes.

use std::convert::Infallible;
use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use netfile::{Trouble, disk};
use serde::Serialize;
use serde_json::Value;

use crate::Error;
use crate::claim::{self, Claim, is_occupied};
use crate::grid::Images;

/// A directory whose record, a file of JSON, begins with what was asked for.
/// Every file appears whole or not at all.
#[derive(Debug)]
pub(crate) struct Results {
    claim: Claim,
    /// The record's name.
    record: &'static str,
    request: Value,
}

/// What the record's file holds.
#[derive(Serialize)]
struct Record<'a, F> {
    version: u32,
    program: &'a str,
    request: &'a Value,
    #[serde(flatten)]
    found: &'a F,
}

impl Results {
    /// Results of `request` at `path`, and the record of an earlier time if
    /// that asked for the same. Nothing is made yet.
    ///
    /// # Errors
    /// [`Error::Directory`] where something else is there, [`Error::Io`] where
    /// the record cannot be read.
    pub(crate) fn find(
        path: &Path,
        record: &'static str,
        request: Value,
    ) -> Result<(Results, Option<Value>), Error> {
        let results = Results {
            claim: Claim::new(path),
            record,
            request,
        };
        // Whoever put something there has written the record first.
        let occupied = is_occupied(path);
        let Some(text) = read(&path.join(record))? else {
            return match occupied {
                true => Err(results.refused(format!(
                    "is not empty and holds no {record}; choose another directory"
                ))),
                false => Ok((results, None)),
            };
        };
        let found = serde_json::from_slice::<Value>(&text).ok();
        match found.filter(|found| found.get("request") == Some(&results.request)) {
            Some(found) => Ok((results, Some(found))),
            None => Err(results.refused(format!(
                "holds another {record}; choose another directory, or remove it"
            ))),
        }
    }

    fn refused(&self, cause: String) -> Error {
        Error::Directory {
            path: self.claim.path().to_owned(),
            cause,
        }
    }

    /// The directory of that name in it.
    ///
    /// # Errors
    /// [`Error::Io`] for a symbolic link, which may lead anywhere.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.claim.path().join(name);
        disk::refuse_link(&path).map_err(|cause| Error::io("opening", &path, cause))?;
        Ok(path)
    }

    /// As [`Results::find`], and makes the directory; until this value is
    /// dropped, no other process can. `waits` is told of a process elsewhere
    /// that has to be watched before.
    ///
    /// # Errors
    /// Those of [`Results::find`] and [`Lock::take`], and [`Error::Io`].
    pub(crate) fn open(
        path: &Path,
        record: &'static str,
        request: Value,
        waits: &mut dyn FnMut(String),
    ) -> Result<(Results, Option<Value>), Error> {
        // Nothing is written where it is not wanted, not even a lock.
        let (mut first, _) = Results::find(path, record, request.clone())?;
        let taken = first.claim.take(waits);
        taken.inspect_err(|_| first.discard())?;
        // Until the lock was taken, another process may have done anything.
        let (_, found) = Results::find(path, record, request)?;
        Ok((first, found))
    }

    /// Writes the record: version, program and request, then the fields of
    /// `found`. Makes the directory.
    pub(crate) fn write_record(&mut self, found: &impl Serialize) -> Result<(), Error> {
        self.claim.make()?;
        let record = Record {
            version: 1,
            program: env!("CARGO_PKG_VERSION"),
            request: &self.request,
            found,
        };
        let path = self.claim.path().join(self.record);
        let written = netfile::replace_with(&path, |file| {
            let mut file = BufWriter::new(file);
            serde_json::to_writer_pretty(&mut file, &record).map_err(io::Error::from)?;
            file.write_all(b"\n")?;
            Ok::<(), Trouble<Infallible>>(file.flush()?)
        });
        written.map_err(|trouble| match trouble {
            Trouble::Io(cause) => Error::io("writing", &path, cause),
            Trouble::Contents(never) => match never {},
        })
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.claim.path().join(name);
        netfile::replace_file(&path, bytes).map_err(|cause| Error::from_write(&path, cause))
    }

    /// Writes a sheet of the first `n` images, so many in a row.
    pub(crate) fn write_sheet(
        &self,
        name: &str,
        images: Images<'_>,
        n: usize,
        columns: usize,
    ) -> Result<(), Error> {
        let path = self.claim.path().join(name);
        let png = crate::grid::sheet(images, n, columns);
        let png = png.map_err(|cause| Error::from_encode(&path, cause))?;
        self.write(name, &png)
    }

    /// Takes a file of an earlier time away, if there is one.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.claim.path().join(name);
        match disk::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("removing", &path, cause))
            }
            _ => Ok(()),
        }
    }

    /// Removes what processes that were killed left of files that they were
    /// writing here.
    ///
    /// # Errors
    /// [`Error::Io`] names what cannot be read or removed.
    pub(crate) fn remove_leftovers(&self) -> Result<(), Error> {
        claim::remove_leftovers(self.claim.path())
    }

    /// Takes away the record, and the folders that were made, if nothing else
    /// is in the directory.
    pub(crate) fn discard(&mut self) {
        self.claim.release();
        let is_record = |entry: io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| entry.file_name() == self.record)
        };
        if fs::read_dir(self.claim.path()).is_ok_and(|mut found| found.all(is_record)) {
            // What cannot be removed stays: the error that led here is to be told.
            let _ = disk::remove_file(&self.claim.path().join(self.record));
            self.give_up();
        }
    }

    /// Takes away the folders that were made, if nothing is in them.
    pub(crate) fn give_up(&mut self) {
        self.claim.give_up();
    }
}

/// A file's bytes; none if there is no such file.
///
/// # Errors
/// [`Error::Io`] where it cannot be read, also for a pipe or a device, which
/// might never end.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match netfile::map_file(path) {
        Ok(bytes) => Ok(Some(bytes.to_vec())),
        Err(netfile::Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(cause) => Err(Error::from_read(path, cause)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RECORD: &str = "scan.json";

    #[test]
    fn a_directory_holds_the_results_of_one_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let (mut results, found) = Results::find(&path, RECORD, json!({ "n": 1 })).unwrap();
        assert_eq!(found, None);
        assert!(!path.exists());
        results.write_record(&json!({ "more": [2] })).unwrap();

        let (_, found) = Results::find(&path, RECORD, json!({ "n": 1 })).unwrap();
        assert_eq!(found.unwrap()["more"], json!([2]));
        for (path, request, complaint) in [
            (&path, json!({ "n": 2 }), "holds another scan.json"),
            (&folder.path().join("a"), json!({ "n": 1 }), "is not empty"),
        ] {
            let error = Results::find(path, RECORD, request).unwrap_err();
            assert!(error.to_string().contains(complaint), "{error}");
        }
        results.discard();
        assert!(!folder.path().join("a").exists());
    }
}
