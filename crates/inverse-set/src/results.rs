//! A directory of results that one JSON record describes.

use std::convert::Infallible;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use netfile::Trouble;
use serde::Serialize;
use serde_json::Value;

use crate::Error;
use crate::grid::Images;

/// A directory whose record, a file of JSON, begins with what was asked for.
/// Every file appears whole or not at all.
#[derive(Debug)]
pub(crate) struct Results {
    path: PathBuf,
    /// The record's name.
    record: &'static str,
    request: Value,
    /// The folders that were made for it, innermost first.
    made: Vec<PathBuf>,
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
            path: path.to_owned(),
            record,
            request,
            made: Vec::new(),
        };
        let file = path.join(record);
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return match fs::read_dir(path).is_ok_and(|mut found| found.next().is_some()) {
                    true => Err(results.refused(format!(
                        "is not empty and holds no {record}; choose another directory"
                    ))),
                    false => Ok((results, None)),
                };
            }
            Err(cause) => return Err(io("reading", &file, cause)),
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
            path: self.path.clone(),
            cause,
        }
    }

    /// The directory of that name in it.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes the record: version, program and request, then the fields of
    /// `found`. Makes the directory.
    pub(crate) fn write_record(&mut self, found: &impl Serialize) -> Result<(), Error> {
        let missing = self.path.ancestors();
        let missing = missing.take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        self.made.extend(missing.map(Path::to_owned));
        fs::create_dir_all(&self.path).map_err(|cause| io("making", &self.path, cause))?;
        let record = Record {
            version: 1,
            program: env!("CARGO_PKG_VERSION"),
            request: &self.request,
            found,
        };
        let path = self.path.join(self.record);
        let written = netfile::replace_with(&path, |file| {
            let mut file = BufWriter::new(file);
            serde_json::to_writer_pretty(&mut file, &record).map_err(std::io::Error::from)?;
            file.write_all(b"\n")?;
            Ok::<(), Trouble<Infallible>>(file.flush()?)
        });
        written.map_err(|trouble| match trouble {
            Trouble::Io(cause) => io("writing", &path, cause),
            Trouble::Contents(never) => match never {},
        })
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
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
        let png = crate::grid::sheet(images, n, columns).map_err(|cause| {
            io(
                "encoding",
                &self.path.join(name),
                std::io::Error::other(cause),
            )
        })?;
        self.write(name, &png)
    }

    /// Takes a file of an earlier time away, if there is one.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(io("removing", &path, cause))
            }
            _ => Ok(()),
        }
    }

    /// Takes away the record, and the folders that were made, if nothing else
    /// is in the directory.
    pub(crate) fn discard(&self) {
        if fs::read_dir(&self.path).is_ok_and(|found| found.count() == 1) {
            // What cannot be removed stays: the error that led here is to be told.
            let _ = fs::remove_file(self.path.join(self.record));
            for folder in &self.made {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

fn io(doing: &'static str, path: &Path, cause: std::io::Error) -> Error {
    Error::Io {
        doing,
        path: path.to_owned(),
        cause,
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
