//! A run directory on disk.
//!
//! Every file but the log appears whole or not at all. `run.json` comes first
//! and `manifest.json` last: a directory without the second is unfinished.

mod open;

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use netfile::{Trouble, disk};
use sampler::Batch;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::claim::Claim;
use crate::grid::{Images, contact_sheet};
use crate::record::{Manifest, SeedsRecord};
use crate::results;
use crate::samples::{Column, Part, Rows, Sizes, Writer};

/// A run directory.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Not taken where nothing is to be written but what was there before.
    claim: Claim,
}

pub(crate) use open::Found;

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
    fn refused(&self, cause: &str) -> Error {
        Error::Directory {
            path: self.claim.path().to_owned(),
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
        self.claim.check()?;
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
        let folder = self.claim.path().join(BATCHES);
        for entry in fs::read_dir(&folder).map_err(|cause| Error::io("reading", &folder, cause))? {
            let path = entry
                .map_err(|cause| Error::io("reading", &folder, cause))?
                .path();
            if batch_number(&path).is_some_and(|batch| batch >= from) {
                disk::remove_file(&path).map_err(|cause| Error::io("removing", &path, cause))?;
            }
        }
        Ok(())
    }

    /// Whether any batch was written.
    pub(crate) fn has_batches(&self) -> bool {
        fs::read_dir(self.claim.path().join(BATCHES))
            .is_ok_and(|mut entries| entries.next().is_some())
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
        let path = self.claim.path().join(SAMPLES_FILE);
        let file = netfile::map_file(&path).map_err(|cause| Error::from_read(&path, cause))?;
        Sizes::of_file(&file, image, neurons, stores_images)
            .and_then(|sizes| Rows::new(file, sizes))
            .map_err(|cause| self.damaged(SAMPLES_FILE, &cause))
    }

    fn read_rows(&self, name: &str, sizes: Sizes) -> Result<Rows, Error> {
        let path = self.claim.path().join(name);
        let file = netfile::map_file(&path).map_err(|cause| Error::from_read(&path, cause))?;
        Rows::new(file, sizes).map_err(|cause| self.damaged(name, &cause))
    }

    /// Says that a file of the run cannot be used any more.
    pub(crate) fn damaged(&self, name: &str, cause: &str) -> Error {
        Error::Directory {
            path: self.claim.path().join(name),
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
        results::read(&self.claim.path().join(STATE))
    }

    /// Writes every image to a file of its own.
    pub(crate) fn write_images(&self, samples: &Rows, names: ImageNames) -> Result<(), Error> {
        let images = Images {
            bytes: samples.bytes(Column::Images),
            shape: samples.sizes().image,
        };
        for i in 0..samples.count() {
            let name = names.name(i);
            if i.is_multiple_of(names.most) {
                self.make(&names.folder(i))?;
            }
            let path = self.claim.path().join(&name);
            let png = images.png(i);
            self.write(
                &name,
                &png.map_err(|cause| Error::from_encode(&path, cause))?,
            )?;
        }
        Ok(())
    }

    /// Writes the contact sheet.
    pub(crate) fn write_grid(&self, images: Images<'_>, n: usize) -> Result<(), Error> {
        let path = self.claim.path().join(GRID);
        let png = contact_sheet(images, n);
        self.write(
            GRID,
            &png.map_err(|cause| Error::from_encode(&path, cause))?,
        )
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.claim.path()
    }

    /// Writes the manifest, which marks the run as finished.
    pub(crate) fn write_manifest(&self, manifest: &Manifest<impl Serialize>) -> Result<(), Error> {
        self.write_json(MANIFEST, manifest)
    }

    /// The manifest of a finished run.
    pub(crate) fn manifest<S: DeserializeOwned>(&self) -> Result<Manifest<S>, Error> {
        let path = self.claim.path().join(MANIFEST);
        let file = netfile::map_file(&path).map_err(|cause| Error::from_read(&path, cause))?;
        serde_json::from_slice(&file).map_err(|cause| Error::Directory {
            path,
            cause: format!("is damaged ({cause}); remove it to make it again"),
        })
    }

    /// Adds a line to the log.
    pub(crate) fn log(&self, entry: &impl Serialize) -> Result<(), Error> {
        let path = self.claim.path().join(LOG);
        let mut line = serde_json::to_vec(entry).expect("log entries are plain");
        line.push(b'\n');
        disk::append_line(&path, &line).map_err(|cause| Error::io("writing", &path, cause))
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
        write: impl FnOnce(&mut disk::Output) -> Result<(), Trouble<Box<Error>>>,
    ) -> Result<(), Error> {
        let path = self.claim.path().join(name);
        netfile::replace_with(&path, write).map_err(|trouble| match trouble {
            Trouble::Io(cause) => Error::io("writing", &path, cause),
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
        format!("{}/{i:05}.png", self.folder(i))
    }

    /// That of its folder.
    fn folder(self, i: usize) -> String {
        match self.n <= self.most {
            true => SAMPLES.to_owned(),
            false => format!("{SAMPLES}/{:03}", i / self.most),
        }
    }
}

fn batch_name(batch: usize) -> String {
    format!("{BATCHES}/{batch:06}.safetensors")
}

fn batch_number(path: &Path) -> Option<usize> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".safetensors")?.parse().ok()
}

#[cfg(test)]
mod tests;
