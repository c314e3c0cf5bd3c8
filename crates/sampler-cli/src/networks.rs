//! Which networks a command works on, and where they lie.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::Args;
use inverse_set::{Device, Pair};

use crate::failure::mistake;

/// The pair of the demo.
pub(crate) const DEMO_PAIR: &str = "fashion";

/// The weights of the source tree that this program was built from.
const SOURCE_WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights");

#[derive(Debug, Args)]
#[command(next_help_heading = "Networks")]
pub(crate) struct NetworkArguments {
    /// Pair of networks by name: weights/NAME here or in a folder above.
    #[arg(long, value_name = "NAME", default_value = DEMO_PAIR)]
    pair: String,

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

    /// Worker threads [default: one for each core].
    #[arg(long, value_name = "N", value_parser = positive::<usize>)]
    threads: Option<usize>,

    /// Where to compute: auto (a CUDA device if there is one), cpu, cuda or
    /// cuda:N, counted from 0.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceName,
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
    /// Whether this is the pair that the demo's neuron belongs to.
    pub(crate) fn is_demo(&self) -> bool {
        self.classifier.is_none() && self.pair == DEMO_PAIR
    }

    /// Opens both networks on the device.
    pub(crate) fn open(&self) -> Result<Pair> {
        match self.files()? {
            (classifier, Some(generator)) => {
                Ok(Pair::open(&classifier, &generator, &self.device()?)?)
            }
            (classifier, None) => Err(mistake(format!(
                "--classifier {}: no generator; add --generator FILE, or sample the pixels themselves with --space pixels",
                classifier.display()
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
        Ok(Pair::of_pixels(&classifier, &self.device()?)?)
    }

    /// Opens what there is: a generator may be missing.
    pub(crate) fn open_any(&self) -> Result<Pair> {
        match (&self.classifier, &self.generator) {
            (Some(_), None) => self.open_classifier(),
            _ => self.open(),
        }
    }

    /// The files of the classifier and of the generator, if there is one.
    fn files(&self) -> Result<(PathBuf, Option<PathBuf>)> {
        let Some(classifier) = &self.classifier else {
            let [classifier, generator] = find(&self.pair)?;
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

    fn device(&self) -> Result<Device> {
        match self.device {
            DeviceName::Cpu => Ok(Device::cpu(self.threads)?),
            DeviceName::Cuda(index) => {
                Device::cuda(index, self.threads).map_err(|cause| mistake(cause.to_string()))
            }
            DeviceName::Auto => Ok(Device::auto(self.threads)?),
        }
    }
}

/// Checks that an option's file is there.
pub(crate) fn exists(option: &str, file: &Path) -> Result<PathBuf> {
    if !file.is_file() {
        return Err(mistake(format!(
            "{option} {}: there is no such file",
            file.display()
        )));
    }
    Ok(file.to_owned())
}

/// Looks for a named pair in `weights` of the current folder, of those above
/// it, and of the source tree.
fn find(pair: &str) -> Result<[PathBuf; 2]> {
    let here = std::env::current_dir().context("looking for weights: no current directory")?;
    let above = here.ancestors().map(|folder| folder.join("weights"));
    let mut places = above.chain([PathBuf::from(SOURCE_WEIGHTS)]);
    let files = places.find_map(|weights| {
        let files = Pair::files(&weights, pair);
        files.iter().all(|file| file.is_file()).then_some(files)
    });
    files.ok_or_else(|| {
        mistake(format!(
            "pair {pair:?}: no weights/{pair}/classifier.safetensors and generator.safetensors in {} or above; make them with `cargo xtask convert-weights {pair}`, or give --classifier and --generator",
            here.display()
        ))
    })
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
