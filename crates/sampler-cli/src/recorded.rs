//! The networks that a run directory names, and where they lie.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use inverse_set::{FileSource, Needed, NetworkRecord, Networks, Pair};

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
    pair: Option<String>,

    /// The classifier's network file.
    #[arg(long, value_name = "FILE", conflicts_with = "pair")]
    classifier: Option<PathBuf>,

    /// The generator's network file; only needed where a run stores no images.
    #[arg(long, value_name = "FILE", conflicts_with = "pair")]
    generator: Option<PathBuf>,

    #[command(flatten)]
    device: DeviceArguments,
}

impl RecordedNetworks {
    /// Opens the networks that the results in a directory need.
    pub(crate) fn open(&self, needed: &Needed, directory: &Path) -> Result<Pair> {
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
            None => look_for(&needed.classifier, "--classifier", directory)?,
        };
        let generator = match (&needed.generator, generator) {
            (Some(record), None) => Some(look_for(record, "--generator", directory)?),
            (None, _) if self.generator.is_none() => None,
            (_, generator) => generator,
        };
        let device = self.device.open()?;
        Ok(match generator {
            Some(generator) => Pair::open(classifier, generator, &device)?,
            None => Pair::of_pixels(classifier, &device)?,
        })
    }

    /// Opens the networks to go on with the work in a directory.
    pub(crate) fn open_for_sampling(&self, networks: &Networks, directory: &Path) -> Result<Pair> {
        let needed = Needed {
            classifier: networks.classifier.clone(),
            generator: networks.generator.clone(),
        };
        self.open(&needed, directory)
    }
}

/// The file of the network that encodes images, where that is another one.
pub(crate) fn encoder_of(
    networks: &Networks,
    given: Option<&Path>,
    directory: &Path,
) -> Result<Option<PathBuf>> {
    let Some(record) = &networks.encoder else {
        return Ok(None);
    };
    let file = match given {
        Some(file) => exists("--encoder", file)?,
        None => look_for(record, "--encoder", directory)?,
    };
    Ok(Some(file.path().to_owned()))
}

fn given(option: &str, file: Option<&Path>) -> Result<Option<FileSource>> {
    file.map(|file| exists(option, file)).transpose()
}

/// The file of a network as a run names it: its folder is not recorded, but its
/// SHA-256 is.
fn look_for(record: &NetworkRecord, option: &str, directory: &Path) -> Result<FileSource> {
    let beside = directory.ancestors().take(2).map(Path::to_owned);
    let below = weights_folders()?.into_iter().flat_map(folders_of);
    let folders = beside.chain([PathBuf::new()]).chain(below);
    // A record may name anything: a path is not followed.
    let name = Path::new(&record.file).file_name();
    let files = folders.filter_map(|folder| Some(folder.join(name?).into()));
    let mut files = files.chain([demo::classifier(), demo::generator()]);
    files.find(|file| record.is(file)).ok_or_else(|| {
        mistake(format!(
            "looking for {} ({}), sha256 {}: it is neither beside the run nor here nor in weights/ here or above; give it as {option} FILE",
            one_line(&record.name),
            one_line(&record.file),
            one_line(&record.sha256),
        ))
    })
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
