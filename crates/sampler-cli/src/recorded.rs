//! The networks that a run directory names, and where they lie.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use inverse_set::{FileSource, Needed, NetworkRecord, Pair};

use crate::demo;
use crate::failure::{mistake, one_line};
use crate::networks::{DeviceArguments, exists, find, weights_folders};

#[derive(Debug, Args)]
#[command(next_help_heading = "Networks")]
pub(crate) struct RecordedNetworks {
    /// Pair of networks by name, as in sample [default: the files that the run
    /// names, beside it, here, where sample looks for pairs, or in this
    /// program].
    #[arg(long, value_name = "NAME")]
    pub(crate) pair: Option<String>,

    /// The classifier's network file.
    #[arg(long, value_name = "FILE", conflicts_with = "pair")]
    pub(crate) classifier: Option<PathBuf>,

    /// The generator's network file; only needed where a run stores no images.
    #[arg(long, value_name = "FILE", conflicts_with = "pair")]
    pub(crate) generator: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) device: DeviceArguments,
}

impl RecordedNetworks {
    /// Opens the networks that the results in a directory need.
    pub(crate) fn open(&self, needed: &Needed, directory: &Path) -> Result<Pair> {
        self.open_near(needed, &Near::folder(directory))
    }

    /// Opens the networks that a record needs.
    pub(crate) fn open_near(&self, needed: &Needed, near: &Near<'_>) -> Result<Pair> {
        let named = self.pair.as_deref().map(find).transpose()?;
        let [classifier, generator] = match named {
            Some(files) => files.map(Some),
            None => [
                given("--classifier", self.classifier.as_deref())?,
                given("--generator", self.generator.as_deref())?,
            ],
        };
        let classifier = match classifier {
            Some(file) => file,
            None => look_for(&needed.classifier, "--classifier", near)?,
        };
        let generator = match (&needed.generator, generator) {
            (Some(record), None) => Some(look_for(record, "--generator", near)?),
            (None, _) if self.generator.is_none() => None,
            (_, generator) => generator,
        };
        let device = self.device.open()?;
        Ok(match generator {
            Some(generator) => Pair::open(classifier, generator, &device)?,
            None => Pair::of_pixels(classifier, &device)?,
        })
    }
}

fn given(option: &str, file: Option<&Path>) -> Result<Option<FileSource>> {
    file.map(|file| exists(option, file)).transpose()
}

/// Where the networks of a record may lie, besides the usual folders.
#[derive(Debug)]
pub(crate) struct Near<'a> {
    /// Where the record is; they may lie in it or beside it.
    folder: &'a Path,
    /// Where they lay when it was made.
    files: Vec<&'a Path>,
}

impl<'a> Near<'a> {
    pub(crate) fn folder(folder: &'a Path) -> Near<'a> {
        Near {
            folder,
            files: Vec::new(),
        }
    }

    pub(crate) fn with_files(self, files: impl IntoIterator<Item = &'a Path>) -> Near<'a> {
        let files = files.into_iter().collect();
        Near { files, ..self }
    }

    /// The file on disk of a network as a record names it: its folder is not
    /// recorded, but its SHA-256 is.
    fn find(&self, record: &NetworkRecord) -> Result<Option<PathBuf>> {
        let beside = self.folder.ancestors().take(2).map(Path::to_owned);
        let below = weights_folders()?.into_iter().flat_map(folders_of);
        let folders = beside.chain([PathBuf::new()]).chain(below);
        // A record may name anything: a path is not followed.
        let name = Path::new(&record.file).file_name();
        let named = folders.filter_map(|folder| Some(folder.join(name?)));
        let known = self.files.iter().map(|file| (*file).to_owned());
        Ok(known.chain(named).find(|file| record.is(&file.into())))
    }
}

/// The file of the network that distances are measured in, where it is another
/// one.
pub(crate) fn look_for_encoder(record: &NetworkRecord, near: &Near<'_>) -> Result<PathBuf> {
    let found = near.find(record)?;
    found.ok_or_else(|| missing(record, "put the encoder beside it"))
}

fn look_for(record: &NetworkRecord, option: &str, near: &Near<'_>) -> Result<FileSource> {
    if let Some(file) = near.find(record)? {
        return Ok(file.into());
    }
    let mut embedded = [demo::classifier(), demo::generator()].into_iter();
    let found = embedded.find(|file| record.is(file));
    found.ok_or_else(|| missing(record, &format!("give it as {option} FILE")))
}

fn missing(record: &NetworkRecord, advice: &str) -> anyhow::Error {
    mistake(format!(
        "looking for {} ({}), sha256 {}: it is neither beside the run nor here nor in weights/ here or above; {advice}",
        one_line(&record.name),
        one_line(&record.file),
        one_line(&record.sha256),
    ))
}

/// A folder and those in it, in the order of their names.
fn folders_of(folder: PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut inner: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    inner.sort_unstable();
    inner.insert(0, folder);
    inner
}
