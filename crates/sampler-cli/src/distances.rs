//! What distances between images are measured in.

use clap::{Args, ValueEnum};
use inverse_set::Distance;

use anyhow::Result;

use crate::failure::mistake;
use crate::networks::exists;

#[derive(Debug, Args)]
#[command(next_help_heading = "Distances")]
pub(crate) struct DistanceArguments {
    /// What distances between images are measured in.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    distance: DistanceName,

    /// The layer that is the encoder, of the classifier or of another network's
    /// file [default: the one that the classifier's file names].
    #[arg(long, value_name = "[FILE:]LAYER", value_parser = layer)]
    encoder: Option<Distance>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum DistanceName {
    /// A layer of a network.
    #[default]
    Encoder,
    /// The pixels.
    Pixels,
}

impl DistanceArguments {
    /// What was chosen.
    pub(crate) fn distance(&self) -> Result<Distance> {
        match (self.distance, &self.encoder) {
            (DistanceName::Pixels, None) => Ok(Distance::Pixels),
            (DistanceName::Pixels, Some(_)) => Err(mistake(
                "--encoder with --distance pixels: pixels need no encoder; leave out one of them",
            )),
            (DistanceName::Encoder, None) => Ok(Distance::Default),
            (DistanceName::Encoder, Some(distance)) => {
                if let Distance::Network { file, .. } = distance {
                    exists("--encoder", file)?;
                }
                Ok(distance.clone())
            }
        }
    }
}

/// Parses `LAYER` or `FILE:LAYER`; a file's name may hold colons, a layer's not.
fn layer(text: &str) -> Result<Distance, String> {
    let distance = match text.rsplit_once(':') {
        None => Distance::Layer(text.to_owned()),
        Some((file, layer)) => Distance::Network {
            file: file.into(),
            layer: layer.to_owned(),
        },
    };
    match text.is_empty() || text.starts_with(':') || text.ends_with(':') {
        true => Err("expected LAYER or FILE:LAYER".into()),
        false => Ok(distance),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_stands_behind_the_last_colon() {
        let network = |file: &str, layer: &str| Distance::Network {
            file: file.into(),
            layer: layer.into(),
        };
        for (text, distance) in [
            ("relu6", Some(Distance::Layer("relu6".into()))),
            (
                "a/b.safetensors:fc7",
                Some(network("a/b.safetensors", "fc7")),
            ),
            (
                r"C:\b.safetensors:fc7",
                Some(network(r"C:\b.safetensors", "fc7")),
            ),
            ("", None),
            (":fc7", None),
            ("a:", None),
        ] {
            assert_eq!(layer(text).ok(), distance, "{text}");
        }
    }
}
