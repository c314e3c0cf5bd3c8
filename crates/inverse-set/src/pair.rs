//! A classifier and, where codes are searched, a generator.

use std::path::{Path, PathBuf};

use engine::{Device, Network, NodeId, Shape};
use netfile::{Description, FileSource, Label, NetworkFile};

use crate::Error;
use crate::neuron::{Shown, did_you_mean_label, find_layer, search};
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
    pub(crate) fn open(source: &FileSource, device: &Device) -> Result<Loaded, Error> {
        let file = NetworkFile::open(source.clone())?;
        let network = Network::load(&file, device).map_err(|cause| Error::Network {
            path: source.path().to_owned(),
            cause,
        })?;
        Ok(Loaded {
            file,
            network,
            base_name: source.file_name(),
        })
    }

    /// Takes the name that a record has for the same file.
    pub(crate) fn known_as(&mut self, record: &NetworkRecord) {
        self.base_name.clone_from(&record.file);
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
    /// `[c, h, w]` of the classifier's images.
    ///
    /// # Errors
    /// [`Error::Request`] for a classifier of anything else.
    pub(crate) fn image_shape(&self) -> Result<[usize; 3], Error> {
        let input = self.classifier.network.shape(NodeId::INPUT);
        let refused = || Error::Request(format!("the classifier takes {input}, expected an image"));
        input.planes().ok_or_else(refused)
    }

    /// Opens both network files.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Network`] name the file and what is wrong
    /// with it.
    pub fn open(
        classifier: impl Into<FileSource>,
        generator: impl Into<FileSource>,
        device: &Device,
    ) -> Result<Pair, Error> {
        Ok(Pair {
            classifier: Loaded::open(&classifier.into(), device)?,
            generator: Some(Loaded::open(&generator.into(), device)?),
        })
    }

    /// Opens a classifier's network file to search the pixels in [0, 1]: a code
    /// is an image, `[c, h, w]` (the paper's equation 2).
    ///
    /// # Errors
    /// As [`Pair::open`].
    pub fn of_pixels(classifier: impl Into<FileSource>, device: &Device) -> Result<Pair, Error> {
        Ok(Pair {
            classifier: Loaded::open(&classifier.into(), device)?,
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

    /// The units whose label contains a text, in whichever case, or if none does
    /// whose id: of one layer of the classifier, or of every layer that has
    /// labels. Each comes with its layer and its number; there is at least one.
    ///
    /// # Errors
    /// [`Error::Request`] where there are no labels to search, or none contains
    /// the text; it suggests the nearest ones.
    pub fn search<'a>(
        &'a self,
        layer: Option<&str>,
        text: &str,
    ) -> Result<Vec<(&'a str, usize, &'a Label)>, Error> {
        let complain = |what| Error::Request(format!("searching for {text:?}: {what}"));
        let Description { name, labels, .. } = self.classifier.file.description();
        let all = labels.keys().map(|layer| Shown(layer).to_string());
        let all = all.collect::<Vec<_>>().join(", ");
        let (tables, place): (Vec<_>, String) = match layer {
            None if labels.is_empty() => {
                let what = "has no labels; list its layers with sampler-cli inspect";
                return Err(complain(format!("{} {what}", Shown(name))));
            }
            None => (labels.iter().collect(), all),
            Some(layer) => {
                self.layer_shape(layer)?;
                let found = labels
                    .get_key_value(layer)
                    .ok_or_else(|| match all.is_empty() {
                        true => complain(format!("{} has no labels", Shown(layer))),
                        false => complain(format!("{} has no labels, but {all} has", Shown(layer))),
                    })?;
                (vec![found], Shown(layer).to_string())
            }
        };
        let found = tables.iter().flat_map(|(layer, labels)| {
            let units = search(text, labels).into_iter();
            units.map(|unit| (layer.as_str(), unit, &labels[unit]))
        });
        let found: Vec<_> = found.collect();
        if found.is_empty() {
            let labels = tables.iter().flat_map(|(_, labels)| labels.iter());
            return Err(complain(format!(
                "no label or id of {place} contains it{}",
                did_you_mean_label(text, labels)
            )));
        }
        Ok(found)
    }
}

/// The tiny pair, on which tests run.
#[cfg(test)]
pub(crate) fn tiny(device: &Device) -> Pair {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights");
    let [classifier, generator] = Pair::files(&weights, "tiny");
    Pair::open(&classifier, &generator, device).unwrap()
}
