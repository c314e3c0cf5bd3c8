//! `cargo xtask convert-weights`: makes the files under `weights/`.

mod examples;
mod fashion;
mod graph;
mod published;
mod raw;
mod tiny;
mod weights;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use engine::{Device, Network};
use netfile::{Description, NetworkFile, Origin, TensorData};

use crate::manifest::{Entry, Manifest};
use published::{caffe, known, presets};

/// Licence of every network that is trained or made here.
const LICENCE: &str = "MIT OR Apache-2.0";

/// Which files to make.
#[derive(clap::Subcommand)]
pub(crate) enum Recipe {
    /// The demo pair, its judge and its reference images.
    Fashion {
        /// Where `weights/fashion/train.py export` put its files.
        #[arg(long, value_name = "FOLDER")]
        raw: Option<PathBuf>,
    },
    /// The tiny pair for tests.
    Tiny,
    /// CaffeNet, the paper's classifier, from any file of its weights.
    Caffenet(known::Arguments),
    /// PPGN's generator, the paper's.
    PpgnFc6(known::Arguments),
    /// The DeePSiM generator of fc6, which DGN-AM used.
    DeepsimFc6(known::Arguments),
    /// The DeePSiM generator of fc7.
    DeepsimFc7(known::Arguments),
    /// The DeePSiM generator of pool5.
    DeepsimPool5(known::Arguments),
    /// AlexNet trained on the 205 scenes of Places.
    Places205(known::Arguments),
    /// Any other network of Caffe.
    Caffe(Box<caffe::Arguments>),
}

/// One file that is to lie under `weights/`.
struct Product {
    /// Its path there, with forward slashes.
    path: &'static str,
    bytes: Vec<u8>,
    licence: &'static str,
    /// How it was made, for the manifest.
    made: &'static str,
}

/// Makes the files of a recipe. Nothing is written unless all of them are
/// right.
pub(crate) fn run(recipe: Recipe, weights: &Path) -> Result<()> {
    let (preset, arguments) = match recipe {
        Recipe::Fashion { raw } => {
            let raw = raw.unwrap_or_else(|| weights.join("fashion/raw"));
            let products = fashion::convert(&raw)?;
            examples::check(&raw, &products)?;
            return store(&products, weights);
        }
        Recipe::Tiny => return store(&tiny::make()?, weights),
        Recipe::Caffe(arguments) => return caffe::convert(&arguments),
        Recipe::Caffenet(arguments) => (presets::CAFFENET, arguments),
        Recipe::PpgnFc6(arguments) => (presets::PPGN_FC6, arguments),
        Recipe::DeepsimFc6(arguments) => (presets::DEEPSIM_FC6, arguments),
        Recipe::DeepsimFc7(arguments) => (presets::DEEPSIM_FC7, arguments),
        Recipe::DeepsimPool5(arguments) => (presets::DEEPSIM_POOL5, arguments),
        Recipe::Places205(arguments) => (presets::PLACES205, arguments),
    };
    known::convert(&preset, &arguments, weights)
}

fn store(products: &[Product], weights: &Path) -> Result<()> {
    let mut manifest = Manifest::read(weights)?;
    for product in products {
        let path = weights.join(product.path);
        let folder = path.parent().expect("a product lies in a folder");
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        netfile::replace_file(&path, &product.bytes)?;
        let entry = Entry {
            sha256: netfile::sha256(&product.bytes),
            licence: product.licence.into(),
            made: product.made.into(),
        };
        manifest.files.insert(product.path.into(), entry);
        println!(
            "{} ({} kB)",
            path.display(),
            product.bytes.len().div_ceil(1000)
        );
    }
    manifest.write(weights)
}

/// A network as a product, if the engine can load it.
fn network(
    path: &'static str,
    made: &'static str,
    description: &Description,
    tensors: &[TensorData],
) -> Result<Product> {
    let bytes =
        netfile::to_bytes(description, tensors).with_context(|| format!("making {path}"))?;
    let file = NetworkFile::from_bytes(bytes.clone())?;
    Network::load(&file, &Device::cpu(Some(1))?).with_context(|| format!("making {path}"))?;
    Ok(Product {
        path,
        bytes,
        licence: LICENCE,
        made,
    })
}

fn origin(source: &str, sha256: Option<String>) -> Origin {
    Origin {
        source: source.into(),
        sha256,
        licence: LICENCE.into(),
    }
}
