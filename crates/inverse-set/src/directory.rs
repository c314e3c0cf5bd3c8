//! A run directory on disk.
//!
//! Every file but the log appears whole or not at all. `run.json` comes first
//! and `manifest.json` last: a directory without the second is unfinished.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde::Serialize;

use crate::Error;
use crate::grid::Images;
use crate::record::{Manifest, Run, SeedsRecord};
use crate::samples::{Samples, Sizes};

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

const RUN: &str = "run.json";
const MANIFEST: &str = "manifest.json";
const STATE: &str = "state.safetensors";
const BATCHES: &str = "batches";
const SAMPLES: &str = "samples";
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
            if serde_json::from_slice::<Run>(&text).ok().as_ref() != Some(run) {
                return Err(
                    directory.refused("holds another run; choose another directory, or remove it")
                );
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
            .make()
            .and_then(|()| directory.write_json(RUN, run));
        if let Err(error) = written {
            directory.discard();
            return Err(error);
        }
        Ok((directory, Found::Nothing))
    }

    fn make(&mut self) -> Result<(), Error> {
        let batches = self.path.join(BATCHES);
        let samples = self.path.join(SAMPLES);
        for folder in [&batches, &samples] {
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

    /// Writes a batch, to be read again by [`Directory::samples`].
    /// The first batch, the seeds, also carries how it came about.
    pub(crate) fn write_batch(
        &self,
        batch: usize,
        samples: &Samples,
        sizes: Sizes,
        seeds: Option<&[SeedsRecord]>,
    ) -> Result<(), Error> {
        let metadata = seeds.map(|seeds| {
            let json = serde_json::to_string(seeds).expect("records are plain");
            HashMap::from([(SEEDS.to_owned(), json)])
        });
        self.write(&batch_name(batch), &samples.to_bytes(sizes, metadata))
    }

    /// How the seeds came into the range, from the first batch.
    pub(crate) fn seeds(&self) -> Result<Vec<SeedsRecord>, Error> {
        let path = self.path.join(batch_name(0));
        let bytes = fs::read(&path).map_err(|cause| io("reading", &path, cause))?;
        let read = || {
            let (_, header) = SafeTensors::read_metadata(&bytes).ok()?;
            serde_json::from_str(header.metadata().as_ref()?.get(SEEDS)?).ok()
        };
        read().ok_or_else(|| Error::Directory {
            path: path.clone(),
            cause: "is damaged; remove the run directory and sample again".to_owned(),
        })
    }

    /// Forgets all batches from `from` on: they are not part of the state that
    /// a run goes on from.
    pub(crate) fn discard_batches(&self, from: usize) -> Result<(), Error> {
        for batch in self.batches()?.into_iter().filter(|&batch| batch >= from) {
            let path = self.path.join(batch_name(batch));
            fs::remove_file(&path).map_err(|cause| io("removing", &path, cause))?;
        }
        Ok(())
    }

    /// Whether any batch was written.
    pub(crate) fn has_batches(&self) -> bool {
        self.batches().is_ok_and(|batches| !batches.is_empty())
    }

    /// Numbers of the batches on disk, in order.
    fn batches(&self) -> Result<Vec<usize>, Error> {
        let folder = self.path.join(BATCHES);
        let entries = fs::read_dir(&folder).map_err(|cause| io("reading", &folder, cause))?;
        let mut batches: Vec<usize> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name();
                name.to_str()?.strip_suffix(".safetensors")?.parse().ok()
            })
            .collect();
        batches.sort_unstable();
        Ok(batches)
    }

    /// All samples of all batches in order, and the batch of each.
    pub(crate) fn samples(&self, sizes: Sizes) -> Result<(Samples, Vec<usize>), Error> {
        let mut all = Samples::default();
        let mut batch_of = Vec::new();
        for batch in self.batches()? {
            let path = self.path.join(batch_name(batch));
            let bytes = fs::read(&path).map_err(|cause| io("reading", &path, cause))?;
            let samples = Samples::from_bytes(&bytes, sizes).map_err(|cause| Error::Directory {
                path: path.clone(),
                cause,
            })?;
            batch_of.extend(std::iter::repeat_n(batch, samples.len(sizes)));
            all.append(samples);
        }
        Ok((all, batch_of))
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

    /// Writes the finished run's files, the manifest last.
    pub(crate) fn finish(
        &self,
        samples: &Samples,
        sizes: Sizes,
        grid: &[u8],
        manifest: &Manifest,
    ) -> Result<(), Error> {
        self.write("samples.safetensors", &samples.to_bytes(sizes, None))?;
        let images = Images {
            bytes: &samples.images,
            shape: sizes.image,
        };
        for (i, record) in manifest.samples.iter().enumerate() {
            self.write(
                &record.file,
                &encoded(&self.path.join(&record.file), images.png(i))?,
            )?;
        }
        self.write("grid.png", grid)?;
        self.write_json(MANIFEST, manifest)
    }

    /// The manifest of a finished run.
    pub(crate) fn manifest(&self) -> Result<Manifest, Error> {
        let path = self.path.join(MANIFEST);
        let text = fs::read(&path).map_err(|cause| io("reading", &path, cause))?;
        serde_json::from_slice(&text).map_err(|cause| Error::Directory {
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
        let mut text = serde_json::to_vec_pretty(value).expect("records are plain");
        text.push(b'\n');
        self.write(name, &text)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
        netfile::replace_file(&path, bytes).map_err(|cause| Error::from_write(&path, cause))
    }
}

/// The name of a sample's image in the run directory.
pub(crate) fn image_name(sample: usize) -> String {
    format!("{SAMPLES}/{sample:05}.png")
}

fn batch_name(batch: usize) -> String {
    format!("{BATCHES}/{batch:06}.safetensors")
}

fn io(doing: &'static str, path: &Path, cause: std::io::Error) -> Error {
    Error::Io {
        doing,
        path: path.to_owned(),
        cause,
    }
}

/// Names the picture that could not be encoded.
pub(crate) fn encoded(
    path: &Path,
    png: Result<Vec<u8>, image::ImageError>,
) -> Result<Vec<u8>, Error> {
    png.map_err(|cause| io("encoding", path, std::io::Error::other(cause)))
}
