//! Networks whose structure, pixels, codes and labels are known.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::image::Pixels;
use super::presets::{Checksum, Preset, Role};
use super::{Storage, describe, fill, labels, origin, read, set_labels, source, store, structure};

/// A known network from a file of its weights.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The weights: .caffemodel, .onnx, .pt or .safetensors.
    file: PathBuf,
    /// The network file to write, instead of one under weights/.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    storage: Storage,
}

/// Converts a known network; it goes to its place under `weights` unless the
/// arguments say otherwise.
pub(crate) fn convert(preset: &Preset, arguments: &Arguments, weights: &Path) -> Result<()> {
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| weights.join(preset.out));
    let map = netfile::map_file(&arguments.file)?;
    let contents = read(&map, &arguments.file)?;
    warn_of_checksum(preset, &map, &arguments.file);

    let net =
        caffemodel::read_prototxt(preset.prototxt.as_bytes()).context("reading the preset")?;
    let structure = structure::translate(&net, None)?;
    let dtype = arguments.storage.dtype.unwrap_or(preset.dtype);
    let mut tensors = fill(&structure, &contents, dtype)
        .with_context(|| format!("reading {}", arguments.file.display()))?;
    let origin = origin(&arguments.file, &map, preset.licence);
    let image = Some(Pixels::imagenet().encoding());
    let mut description = describe(preset.name, &structure, image, origin);
    match &preset.role {
        Role::Classifier { labels } => {
            let labels = labels::parse(labels.as_bytes())?;
            set_labels(&mut description, &structure, labels)?;
            description.encoder = Some("relu6".into());
        }
        Role::Generator(codes) => {
            let (space, tables) = codes.tables()?;
            description.code = Some(space);
            tensors.extend(tables);
        }
    }
    store(&out, &description, &tensors, &arguments.storage)
}

/// A checksum that differs is no error: the same weights are published in
/// several files.
fn warn_of_checksum(preset: &Preset, bytes: &[u8], path: &Path) {
    let form = source::form(bytes);
    let known: Vec<_> = preset
        .files
        .iter()
        .filter(|file| file.form == form)
        .collect();
    let fits = known.iter().any(|file| match file.checksum {
        Checksum::Sha1(sha1) => source::sha1(bytes) == sha1,
        Checksum::Sha256(sha256) => netfile::sha256(bytes) == sha256,
    });
    if known.is_empty() || fits {
        return;
    }
    let names: Vec<&str> = known.iter().map(|file| file.name).collect();
    eprintln!(
        "warning: {}: its checksum is not that of {}: another snapshot, a copy that was saved anew, or damaged",
        path.display(),
        names.join(" or ")
    );
}
