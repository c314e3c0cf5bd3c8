//! Which networks a command works on, and where they lie.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::Args;
use inverse_set::{Device, FileSource, Pair, did_you_mean};

use crate::demo::{self, DEMO_PAIR};
use crate::failure::mistake;
use crate::recorded::RecordedNetworks;

/// The variable that names a folder of pairs.
const WEIGHTS: &str = "INVERSE_SET_WEIGHTS";

#[derive(Debug, Args)]
#[command(next_help_heading = "Networks")]
pub(crate) struct NetworkArguments {
    /// Pair of networks by name: NAME in the folder that the environment
    /// variable INVERSE_SET_WEIGHTS names, or weights/NAME here or in a folder
    /// above [default: fashion, which this program holds itself].
    #[arg(long, value_name = "NAME")]
    pair: Option<String>,

    /// The classifier's network file, instead of a named pair.
    #[arg(long, value_name = "FILE", conflicts_with = "pair")]
    classifier: Option<PathBuf>,

    /// The generator's network file, instead of a named pair.
    #[arg(
        long,
        value_name = "FILE",
        requires = "classifier",
        conflicts_with = "pair"
    )]
    generator: Option<PathBuf>,

    #[command(flatten)]
    device: DeviceArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Networks")]
pub(crate) struct DeviceArguments {
    /// Worker threads [default: one for each core].
    #[arg(long, value_name = "N", value_parser = positive::<usize>)]
    threads: Option<usize>,

    /// Where to compute: auto (a CUDA device if there is one), cpu, cuda or
    /// cuda:N, counted from 0.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceName,
}

impl DeviceArguments {
    pub(crate) fn open(&self) -> Result<Device> {
        match self.device {
            DeviceName::Cpu => Ok(Device::cpu(self.threads)?),
            DeviceName::Cuda(index) => {
                Device::cuda(index, self.threads).map_err(|cause| mistake(cause.to_string()))
            }
            DeviceName::Auto => Ok(Device::auto(self.threads)?),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeviceName {
    Auto,
    Cpu,
    Cuda(usize),
}

impl FromStr for DeviceName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<DeviceName, &'static str> {
        let expected = "expected auto, cpu, cuda or cuda:N";
        match text {
            "auto" => Ok(DeviceName::Auto),
            "cpu" => Ok(DeviceName::Cpu),
            "cuda" => Ok(DeviceName::Cuda(0)),
            _ => match text.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(index)) => Ok(DeviceName::Cuda(index)),
                _ => Err(expected),
            },
        }
    }
}

impl NetworkArguments {
    /// The pair's name.
    fn name(&self) -> &str {
        self.pair.as_deref().unwrap_or(DEMO_PAIR)
    }

    /// The same where a record names the networks: only what was given replaces
    /// them.
    pub(crate) fn recorded(self) -> RecordedNetworks {
        RecordedNetworks {
            pair: self.pair,
            classifier: self.classifier,
            generator: self.generator,
            device: self.device,
        }
    }

    /// Whether this is the pair that the demo's neuron belongs to.
    pub(crate) fn is_demo(&self) -> bool {
        self.classifier.is_none() && self.name() == DEMO_PAIR
    }

    /// Opens both networks on the device.
    pub(crate) fn open(&self) -> Result<Pair> {
        match self.files()? {
            (classifier, Some(generator)) => {
                Ok(Pair::open(classifier, generator, &self.device.open()?)?)
            }
            (classifier, None) => Err(mistake(format!(
                "--classifier {}: no generator; add --generator FILE, or sample the pixels themselves with --space pixels",
                classifier.path().display()
            ))),
        }
    }

    /// Opens the classifier alone, to search the pixels.
    pub(crate) fn open_classifier(&self) -> Result<Pair> {
        if self.generator.is_some() {
            return Err(mistake(
                "--generator with --space pixels: no generator makes the images; leave out one of them",
            ));
        }
        self.classifier_alone()
    }

    /// Opens the classifier, and no generator even if one is named.
    pub(crate) fn classifier_alone(&self) -> Result<Pair> {
        let (classifier, _) = self.files()?;
        Ok(Pair::of_pixels(classifier, &self.device.open()?)?)
    }

    /// Opens what there is: a generator may be missing.
    pub(crate) fn open_any(&self) -> Result<Pair> {
        match (&self.classifier, &self.generator) {
            (Some(_), None) => self.open_classifier(),
            _ => self.open(),
        }
    }

    /// The options that name the same networks to `sample`.
    pub(crate) fn words(&self) -> Vec<String> {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let words = |words: [&str; 4]| words.map(str::to_owned).to_vec();
        match (&self.classifier, &self.generator) {
            (Some(classifier), Some(generator)) => words([
                "--classifier",
                &path(classifier),
                "--generator",
                &path(generator),
            ]),
            (Some(classifier), None) => {
                words(["--classifier", &path(classifier), "--space", "pixels"])
            }
            (None, _) if self.name() == DEMO_PAIR => Vec::new(),
            (None, _) => vec!["--pair".to_owned(), self.name().to_owned()],
        }
    }

    /// Whether the classifier is the one that this program holds.
    pub(crate) fn is_embedded(&self) -> Result<bool> {
        let (classifier, _) = self.files()?;
        Ok(classifier == demo::classifier())
    }

    /// The files of the classifier and of the generator, if there is one.
    fn files(&self) -> Result<(FileSource, Option<FileSource>)> {
        let Some(classifier) = &self.classifier else {
            let [classifier, generator] = find(self.name())?;
            return Ok((classifier, Some(generator)));
        };
        let generator = self.generator.as_ref();
        Ok((
            exists("--classifier", classifier)?,
            generator
                .map(|file| exists("--generator", file))
                .transpose()?,
        ))
    }
}

/// Checks that an option's file is there.
pub(crate) fn exists(option: &str, file: &Path) -> Result<FileSource> {
    if !file.is_file() {
        return Err(mistake(format!(
            "{option} {}: there is no such file",
            file.display()
        )));
    }
    Ok(file.into())
}

fn here() -> Result<PathBuf> {
    std::env::current_dir().context("looking for weights: no current directory")
}

/// The folders of pairs, the first to be preferred: the one that the environment
/// names, and `weights` of the current folder and of those above it. They need
/// not exist.
pub(crate) fn weights_folders() -> Result<Vec<PathBuf>> {
    let named = env::var_os(WEIGHTS).map(PathBuf::from);
    let here = here()?;
    let above = here.ancestors().map(|folder| folder.join("weights"));
    Ok(named.into_iter().chain(above).collect())
}

/// Looks for a named pair in the folders of weights, and in this program.
pub(crate) fn find(pair: &str) -> Result<[FileSource; 2]> {
    let folders = weights_folders()?;
    let found = folders.iter().find_map(|weights| files_of(weights, pair));
    match found {
        Some(files) => return Ok(files.map(FileSource::Disk)),
        None if pair == DEMO_PAIR => return Ok([demo::classifier(), demo::generator()]),
        None => {}
    }
    let names = folders.iter().flat_map(|weights| pairs_of(weights));
    let names: BTreeSet<String> = names.chain([DEMO_PAIR.to_owned()]).collect();
    Err(mistake(format!(
        "pair {pair:?}: no weights/{pair}/classifier.safetensors and generator.safetensors in {} or above; make them with `cargo xtask convert-weights {pair}`, let {WEIGHTS} name the folder that holds {pair}, or give --classifier and --generator{}",
        here()?.display(),
        did_you_mean(pair, names.iter().map(String::as_str))
    )))
}

/// The files of a pair in a folder of weights, if both are there.
fn files_of(weights: &Path, pair: &str) -> Option<[PathBuf; 2]> {
    let files = Pair::files(weights, pair);
    files.iter().all(|file| file.is_file()).then_some(files)
}

/// The names of the pairs in a folder of weights; none where there is no such
/// folder.
fn pairs_of(weights: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(weights).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| files_of(weights, name).is_some())
}

/// Parses a whole number above zero.
pub(crate) fn positive<T: FromStr + Default + PartialEq>(text: &str) -> Result<T, String> {
    match text.parse() {
        Ok(number) if number != T::default() => Ok(number),
        _ => Err("expected a whole number, at least 1".into()),
    }
}

/// Parses a whole number from one to `MOST`.
pub(crate) fn at_most<const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from 1 to {MOST}")),
    }
}
