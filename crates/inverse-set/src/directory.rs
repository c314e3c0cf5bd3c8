//! A run directory on disk.
//!
//! Every file but the log appears whole or not at all. `run.json` comes first
//! and `manifest.json` last: a directory without the second is unfinished.

use std::collections::HashMap;
use std::fs;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use netfile::Trouble;
use sampler::Batch;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::grid::{Images, contact_sheet};
use crate::record::{Manifest, Run, SeedsRecord, StoredImages};
use crate::samples::{Column, Part, Rows, Sizes, Writer};

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

/// A run directory.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// The folders that were made for it, outermost first.
    made: Vec<PathBuf>,
}

pub(crate) const RUN: &str = "run.json";
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const STATE: &str = "state.safetensors";
const BATCHES: &str = "batches";
const SAMPLES: &str = "samples";
pub(crate) const SAMPLES_FILE: &str = "samples.safetensors";
const GRID: &str = "grid.png";
const LOG: &str = "log.jsonl";
const SEEDS: &str = "seeds";

impl Directory {
    /// Makes the directory for a run, or finds the same run in it.
    ///
    /// # Errors
    /// [`Error::Directory`] where it holds another run or something else;
    /// [`Error::Io`] where it cannot be written.
    pub(crate) fn open(path: &Path, run: &Run) -> Result<(Directory, Found), Error> {
        let mut directory = Directory {
            path: path.to_owned(),
            made: Vec::new(),
        };
        let record = path.join(RUN);
        if record.exists() {
            let text = fs::read(&record).map_err(|cause| io("reading", &record, cause))?;
            let held: Option<Run> = serde_json::from_slice(&text).ok();
            if held.as_ref() != Some(run) {
                return Err(directory.refused(&other_run(held, run)));
            }
            let found = match path.join(MANIFEST).exists() {
                true => Found::Finished,
                false => Found::Unfinished,
            };
            return Ok((directory, found));
        }
        let occupied = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if occupied {
            return Err(
                directory.refused("is not empty and holds no run; choose another directory")
            );
        }
        let written = directory
            .make(run.images)
            .and_then(|()| directory.write_json(RUN, run));
        if let Err(error) = written {
            directory.discard();
            return Err(error);
        }
        Ok((directory, Found::Nothing))
    }

    /// Finds a finished run.
    ///
    /// # Errors
    /// [`Error::Directory`] where there is none, or its record is damaged;
    /// [`Error::Io`] where it cannot be read.
    pub(crate) fn of_finished(path: &Path) -> Result<(Directory, Run), Error> {
        let directory = Directory {
            path: path.to_owned(),
            made: Vec::new(),
        };
        let record = path.join(RUN);
        if !record.exists() {
            return Err(directory.refused("holds no run"));
        }
        let text = fs::read(&record).map_err(|cause| io("reading", &record, cause))?;
        let run = serde_json::from_slice(&text)
            .map_err(|cause| directory.damaged(RUN, &cause.to_string()))?;
        match path.join(MANIFEST).exists() {
            true => Ok((directory, run)),
            false => Err(directory.refused(
                "holds an unfinished run; finish it with the command that it was begun with",
            )),
        }
    }

    fn make(&mut self, images: StoredImages) -> Result<(), Error> {
        let batches = self.path.join(BATCHES);
        let samples = (images == StoredImages::Png).then(|| self.path.join(SAMPLES));
        for folder in std::iter::once(batches).chain(samples) {
            let missing: Vec<&Path> = folder
                .ancestors()
                .take_while(|p| !p.as_os_str().is_empty() && !p.exists())
                .collect();
            for folder in missing.into_iter().rev() {
                fs::create_dir(folder).map_err(|cause| io("making", folder, cause))?;
                self.made.push(folder.to_owned());
            }
        }
        Ok(())
    }

    /// Takes away everything that was made for a run that accepted nothing.
    pub(crate) fn discard(&self) {
        // What cannot be removed, or was put there by somebody else, stays;
        // the error that led here is the one to report.
        for name in [RUN, STATE, LOG] {
            let _ = fs::remove_file(self.path.join(name));
        }
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }

    fn refused(&self, cause: &str) -> Error {
        Error::Directory {
            path: self.path.clone(),
            cause: cause.to_owned(),
        }
    }

    /// Writes a batch, to be read again by [`Directory::read_batch`].
    /// The first batch, the seeds, also carries how it came about.
    pub(crate) fn write_batch(
        &self,
        batch: &Batch,
        sizes: Sizes,
        seeds: Option<&[SeedsRecord]>,
    ) -> Result<(), Error> {
        let metadata = seeds.map(|seeds| {
            let json = serde_json::to_string(seeds).expect("records are plain");
            HashMap::from([(SEEDS.to_owned(), json)])
        });
        let part = Part::new(batch);
        self.write_with(&batch_name(batch.index as usize), |file| {
            let mut writer = Writer::new(file, sizes, batch.samples.len(), metadata)?;
            writer.append(|column| part.bytes(column))?;
            Ok(writer.finish()?)
        })
    }

    /// How the seeds came into the range, from the first batch.
    pub(crate) fn seeds(&self, sizes: Sizes) -> Result<Vec<SeedsRecord>, Error> {
        let seeds = self.read_batch(0, sizes)?.metadata(SEEDS);
        seeds
            .and_then(|json| serde_json::from_str(&json).ok())
            .ok_or_else(|| self.damaged(&batch_name(0), "nothing of how the seeds came about"))
    }

    /// Forgets all batches from `from` on: they are not part of the state that
    /// a run goes on from.
    pub(crate) fn discard_batches(&self, from: usize) -> Result<(), Error> {
        let folder = self.path.join(BATCHES);
        for entry in fs::read_dir(&folder).map_err(|cause| io("reading", &folder, cause))? {
            let path = entry.map_err(|cause| io("reading", &folder, cause))?.path();
            if batch_number(&path).is_some_and(|batch| batch >= from) {
                fs::remove_file(&path).map_err(|cause| io("removing", &path, cause))?;
            }
        }
        Ok(())
    }

    /// Whether any batch was written.
    pub(crate) fn has_batches(&self) -> bool {
        fs::read_dir(self.path.join(BATCHES)).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// A batch, where it lies.
    pub(crate) fn read_batch(&self, batch: usize, sizes: Sizes) -> Result<Rows, Error> {
        self.read_rows(&batch_name(batch), sizes)
    }

    /// Puts the first `batches` batches together, to `n` samples.
    pub(crate) fn write_samples(
        &self,
        batches: usize,
        n: usize,
        sizes: Sizes,
    ) -> Result<Rows, Error> {
        self.write_with(SAMPLES_FILE, |file| {
            let mut writer = Writer::new(file, sizes, n, None)?;
            for batch in 0..batches {
                let rows = self.read_batch(batch, sizes);
                let rows = rows.map_err(|error| Trouble::Contents(Box::new(error)))?;
                writer.append(|column| rows.bytes(column))?;
            }
            Ok(writer.finish()?)
        })?;
        self.read_rows(SAMPLES_FILE, sizes)
    }

    /// The samples of a finished run, see [`Sizes::of_file`].
    pub(crate) fn read_samples(
        &self,
        image: [usize; 3],
        neurons: usize,
        stores_images: bool,
    ) -> Result<Rows, Error> {
        let path = self.path.join(SAMPLES_FILE);
        let file = netfile::map_file(&path).map_err(|cause| Error::from_read(&path, cause))?;
        Sizes::of_file(&file, image, neurons, stores_images)
            .and_then(|sizes| Rows::new(file, sizes))
            .map_err(|cause| self.damaged(SAMPLES_FILE, &cause))
    }

    fn read_rows(&self, name: &str, sizes: Sizes) -> Result<Rows, Error> {
        let path = self.path.join(name);
        let file = netfile::map_file(&path).map_err(|cause| Error::from_read(&path, cause))?;
        Rows::new(file, sizes).map_err(|cause| self.damaged(name, &cause))
    }

    /// Says that a file of the run cannot be used any more.
    pub(crate) fn damaged(&self, name: &str, cause: &str) -> Error {
        Error::Directory {
            path: self.path.join(name),
            cause: format!("is damaged ({cause}); remove the run directory and sample again"),
        }
    }

    /// Says so of its record.
    pub(crate) fn damaged_record(&self, cause: &str) -> Error {
        self.damaged(RUN, cause)
    }

    /// Writes the sampler's state.
    pub(crate) fn write_state(&self, bytes: &[u8]) -> Result<(), Error> {
        self.write(STATE, bytes)
    }

    /// The sampler's newest state, if one was written.
    pub(crate) fn read_state(&self) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path.join(STATE);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(io("reading", &path, cause)),
        }
    }

    /// Writes every image to a file of its own.
    pub(crate) fn write_images(&self, samples: &Rows, names: ImageNames) -> Result<(), Error> {
        let images = Images {
            bytes: samples.bytes(Column::Images),
            shape: samples.sizes().image,
        };
        for i in 0..samples.count() {
            let name = names.name(i);
            let path = self.path.join(&name);
            if let Some(folder) = path.parent().filter(|_| i.is_multiple_of(names.most)) {
                fs::create_dir_all(folder).map_err(|cause| io("making", folder, cause))?;
            }
            self.write(&name, &encoded(&path, images.png(i))?)?;
        }
        Ok(())
    }

    /// Writes the contact sheet.
    pub(crate) fn write_grid(&self, images: Images<'_>, n: usize) -> Result<(), Error> {
        let png = encoded(&self.path.join(GRID), contact_sheet(images, n))?;
        self.write(GRID, &png)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the manifest, which marks the run as finished.
    pub(crate) fn write_manifest(&self, manifest: &Manifest<impl Serialize>) -> Result<(), Error> {
        self.write_json(MANIFEST, manifest)
    }

    /// The manifest of a finished run.
    pub(crate) fn manifest<S: DeserializeOwned>(&self) -> Result<Manifest<S>, Error> {
        let path = self.path.join(MANIFEST);
        let file = fs::File::open(&path).map_err(|cause| io("reading", &path, cause))?;
        serde_json::from_reader(BufReader::new(file)).map_err(|cause| Error::Directory {
            path,
            cause: format!("is damaged ({cause}); remove it to make it again"),
        })
    }

    /// Adds a line to the log.
    pub(crate) fn log(&self, entry: &impl Serialize) -> Result<(), Error> {
        let path = self.path.join(LOG);
        let mut line = serde_json::to_vec(entry).expect("log entries are plain");
        line.push(b'\n');
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(&line))
            .map_err(|cause| io("writing", &path, cause))
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        self.write_with(name, |file| {
            let mut file = BufWriter::new(file);
            serde_json::to_writer_pretty(&mut file, value).map_err(std::io::Error::from)?;
            file.write_all(b"\n")?;
            Ok(file.flush()?)
        })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.write_with(name, |file| Ok(file.write_all(bytes)?))
    }

    fn write_with(
        &self,
        name: &str,
        write: impl FnOnce(&mut fs::File) -> Result<(), Trouble<Box<Error>>>,
    ) -> Result<(), Error> {
        let path = self.path.join(name);
        netfile::replace_with(&path, write).map_err(|trouble| match trouble {
            Trouble::Io(cause) => io("writing", &path, cause),
            Trouble::Contents(error) => *error,
        })
    }
}

/// Names of the images of a run in its directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImageNames {
    /// How many images there are.
    n: usize,
    /// Most images in a folder: many thousand files in one are a burden to
    /// most programs that show it.
    most: usize,
}

impl ImageNames {
    /// Those of `n` images.
    pub(crate) fn new(n: usize) -> ImageNames {
        ImageNames { n, most: 1000 }
    }

    /// Path in the run directory.
    pub(crate) fn name(self, i: usize) -> String {
        match self.n <= self.most {
            true => format!("{SAMPLES}/{i:05}.png"),
            false => format!("{SAMPLES}/{:03}/{i:05}.png", i / self.most),
        }
    }
}

/// Why a directory that holds a run is no place for this one.
fn other_run(held: Option<Run>, run: &Run) -> String {
    let held = held.map(|held| {
        let here = Run {
            instruction_set: run.instruction_set.clone(),
            ..held.clone()
        };
        (held.instruction_set, here == *run)
    });
    match held {
        Some((there, true)) => format!(
            "holds this run made with {there}; with {} its last bits would differ; go on with the --device that it was begun on, choose another directory, or remove it",
            run.instruction_set
        ),
        _ => "holds another run; choose another directory, or remove it".to_owned(),
    }
}

fn batch_name(batch: usize) -> String {
    format!("{BATCHES}/{batch:06}.safetensors")
}

fn batch_number(path: &Path) -> Option<usize> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".safetensors")?.parse().ok()
}

fn io(doing: &'static str, path: &Path, cause: std::io::Error) -> Error {
    Error::Io {
        doing,
        path: path.to_owned(),
        cause,
    }
}

/// Names the picture that could not be encoded.
fn encoded(path: &Path, png: Result<Vec<u8>, image::ImageError>) -> Result<Vec<u8>, Error> {
    png.map_err(|cause| io("encoding", path, std::io::Error::other(cause)))
}

#[cfg(test)]
mod tests;
