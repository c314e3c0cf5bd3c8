//! Which networks a command works on, and where they lie.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
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
    #[arg(
        long,
        value_name = "FILE",
        requires = "generator",
        conflicts_with = "pair"
    )]
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

    /// Where to compute.
    #[arg(long, value_enum, default_value_t)]
    device: DeviceName,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum DeviceName {
    /// The fastest device that there is.
    #[default]
    Auto,
    /// The processor.
    Cpu,
}

impl NetworkArguments {
    /// Whether this is the pair that the demo's neuron belongs to.
    pub(crate) fn is_demo(&self) -> bool {
        self.classifier.is_none() && self.pair == DEMO_PAIR
    }

    /// Opens both networks on the device.
    pub(crate) fn open(&self) -> Result<Pair> {
        let [classifier, generator] = match (&self.classifier, &self.generator) {
            (Some(classifier), Some(generator)) => {
                [("--classifier", classifier), ("--generator", generator)]
                    .map(|(option, file)| exists(option, file))
                    .into_iter()
                    .collect::<Result<Vec<_>>>()?
                    .try_into()
                    .expect("there are two")
            }
            _ => find(&self.pair)?,
        };
        let device = match self.device {
            DeviceName::Auto | DeviceName::Cpu => Device::cpu(self.threads)?,
        };
        Ok(Pair::open(&classifier, &generator, &device)?)
    }
}

fn exists(option: &str, file: &Path) -> Result<PathBuf> {
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
