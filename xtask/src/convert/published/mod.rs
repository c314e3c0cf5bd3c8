//! `cargo xtask convert-weights caffenet` and the like: published weights of
//! Caffe's networks, in whatever form they are found.
//!
//! ```text
//! file of weights -> source -> Contents ---------> fill, state_dict -> tensors
//! prototxt, or the caffemodel -> structure, ops -> demands ---^          |
//! preset or options -> pixels, labels, codes -----> description -> network file
//! ```

pub(crate) mod caffe;
mod fill;
mod image;
mod input;
pub(crate) mod known;
mod labels;
mod ops;
pub(crate) mod presets;
mod shift;
mod source;
mod state_dict;
mod structure;
mod table;
mod tensors;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use netfile::{Description, Dtype, ImageEncoding, Label, Origin, VERSION};

use source::Contents;
use structure::Structure;
use tensors::Converted;

/// How weights are stored.
#[derive(clap::Args)]
struct Storage {
    /// f32, f16 or bf16; by default f32 for a classifier, f16 for a generator.
    #[arg(long, value_parser = dtype)]
    dtype: Option<Dtype>,
    /// Run random inputs and print how far 16-bit weights move activations.
    #[arg(long)]
    check: bool,
}

fn dtype(text: &str) -> Result<Dtype, String> {
    match text {
        "f32" => Ok(Dtype::F32),
        "f16" => Ok(Dtype::F16),
        "bf16" => Ok(Dtype::Bf16),
        _ => Err("expected f32, f16 or bf16".into()),
    }
}

fn read<'a>(bytes: &'a [u8], path: &Path) -> Result<Contents<'a>> {
    source::read(bytes).with_context(|| format!("reading {}", path.display()))
}

fn fill<'a>(
    structure: &Structure,
    contents: &Contents<'a>,
    dtype: Dtype,
) -> Result<Vec<Converted<'a>>> {
    let demands = &structure.demands;
    match contents {
        Contents::Model(model) => fill::from_layers(demands, &model.blobs, dtype),
        Contents::Tensors(dict) => {
            let (tensors, by_name) = state_dict::from_tensors(demands, dict, dtype)?;
            if !by_name {
                println!("the tensors' names are not the layers': matched by order and shape");
            }
            Ok(tensors)
        }
    }
}

fn origin(path: &Path, bytes: &[u8], licence: &str) -> Origin {
    let name = path.file_name().unwrap_or_default();
    Origin {
        source: name.to_string_lossy().into_owned(),
        sha256: Some(netfile::sha256(bytes)),
        licence: licence.into(),
    }
}

fn describe(
    name: &str,
    structure: &Structure,
    image: Option<ImageEncoding>,
    origin: Origin,
) -> Description {
    Description {
        version: VERSION,
        name: name.into(),
        input: structure.input.clone(),
        image,
        code: None,
        layers: structure.layers.clone(),
        labels: BTreeMap::new(),
        quantiles: BTreeMap::new(),
        encoder: None,
        origin,
    }
}

fn set_labels(
    description: &mut Description,
    structure: &Structure,
    labels: Vec<Label>,
) -> Result<()> {
    let layer = labels::layer(structure, &labels)?;
    description.labels.insert(layer, labels);
    Ok(())
}

fn store(
    out: &Path,
    description: &Description,
    tensors: &[Converted<'_>],
    storage: &Storage,
) -> Result<()> {
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    netfile::write(out, description, tensors)?;
    table::print(tensors);
    if storage.check {
        let dtype = match storage.dtype {
            Some(dtype) if dtype != Dtype::F32 => dtype,
            _ => Dtype::F16,
        };
        let shift = shift::measure(description, tensors, dtype)?;
        let (layer, greatest) = shift.greatest;
        let (output, last) = shift.last;
        println!(
            "16-bit weights move activations by at most {:.3} % of a layer's greatest, in {layer}; {:.3} % in {output}",
            100.0 * greatest,
            100.0 * last
        );
    }
    println!("{}", out.display());
    Ok(())
}
