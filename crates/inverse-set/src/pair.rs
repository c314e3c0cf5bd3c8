//! A classifier and a generator.

use std::path::{Path, PathBuf};

use engine::{Device, Network, Shape};
use netfile::NetworkFile;

use crate::Error;
use crate::neuron::find_layer;

/// A network together with the file that it was loaded from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub file: NetworkFile,
    pub network: Network,
    /// The file's name without its folder.
    pub base_name: String,
}

impl Loaded {
    fn open(path: &Path, device: &Device) -> Result<Loaded, Error> {
        let file = NetworkFile::open(path)?;
        let network = Network::load(&file, device).map_err(|cause| Error::Network {
            path: path.to_owned(),
            cause,
        })?;
        let base_name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Loaded {
            file,
            network,
            base_name,
        })
    }
}

/// A classifier and a generator on one device.
#[derive(Debug)]
pub struct Pair {
    pub(crate) classifier: Loaded,
    pub(crate) generator: Loaded,
}

impl Pair {
    /// Opens both network files.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Network`] name the file and what is wrong
    /// with it.
    pub fn open(classifier: &Path, generator: &Path, device: &Device) -> Result<Pair, Error> {
        Ok(Pair {
            classifier: Loaded::open(classifier, device)?,
            generator: Loaded::open(generator, device)?,
        })
    }

    /// The files of a named pair: `<weights>/<name>/classifier.safetensors`
    /// and `generator.safetensors`.
    pub fn files(weights: &Path, name: &str) -> [PathBuf; 2] {
        ["classifier", "generator"]
            .map(|part| weights.join(name).join(part).with_extension("safetensors"))
    }

    /// The classifier's network file.
    pub fn classifier(&self) -> &NetworkFile {
        &self.classifier.file
    }

    /// The generator's network file.
    pub fn generator(&self) -> &NetworkFile {
        &self.generator.file
    }

    /// The classifier, ready to run.
    pub fn classifier_network(&self) -> &Network {
        &self.classifier.network
    }

    /// The generator, ready to run.
    pub fn generator_network(&self) -> &Network {
        &self.generator.network
    }

    /// Shape of one sample of a classifier's layer.
    ///
    /// # Errors
    /// [`Error::Request`] suggests the nearest names of layers.
    pub fn layer_shape(&self, layer: &str) -> Result<&Shape, Error> {
        let Loaded { file, network, .. } = &self.classifier;
        find_layer(layer, file, network).map_err(Error::Request)
    }
}
