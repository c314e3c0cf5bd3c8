//! A classifier and, where codes are searched, a generator.

use std::path::{Path, PathBuf};

use engine::{Device, Network, Shape};
use netfile::NetworkFile;

use crate::Error;
use crate::neuron::find_layer;
use crate::record::NetworkRecord;

/// A network together with the file that it was loaded from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub file: NetworkFile,
    pub network: Network,
    /// The file's name without its folder.
    pub base_name: String,
}

impl Loaded {
    pub(crate) fn open(path: &Path, device: &Device) -> Result<Loaded, Error> {
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

    /// What `run.json` says of it.
    pub(crate) fn record(&self) -> NetworkRecord {
        NetworkRecord {
            name: self.file.description().name.clone(),
            file: self.base_name.clone(),
            sha256: self.file.sha256(),
        }
    }
}

/// A classifier and a generator on one device, or a classifier alone: then the
/// pixels themselves are searched.
#[derive(Debug)]
pub struct Pair {
    pub(crate) classifier: Loaded,
    /// None in pixel space.
    pub(crate) generator: Option<Loaded>,
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
            generator: Some(Loaded::open(generator, device)?),
        })
    }

    /// Opens a classifier's network file to search the pixels in [0, 1]: a code
    /// is an image, `[c, h, w]` (the paper's equation 2).
    ///
    /// # Errors
    /// As [`Pair::open`].
    pub fn of_pixels(classifier: &Path, device: &Device) -> Result<Pair, Error> {
        Ok(Pair {
            classifier: Loaded::open(classifier, device)?,
            generator: None,
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

    /// The generator's network file, if there is one.
    pub fn generator(&self) -> Option<&NetworkFile> {
        self.generator.as_ref().map(|loaded| &loaded.file)
    }

    /// The classifier, ready to run.
    pub fn classifier_network(&self) -> &Network {
        &self.classifier.network
    }

    /// The generator, ready to run, if there is one.
    pub fn generator_network(&self) -> Option<&Network> {
        self.generator.as_ref().map(|loaded| &loaded.network)
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
