//! Pictures of a user's whose activations lie in the ranges: the inverse set as
//! a collection of real images has it, the paper's "simple way".

mod findings;
mod picture;
mod pictures;

use std::path::{Path, PathBuf};

use engine::NodeId;
use serde_json::{Value, json};

use crate::encoding::Encoding;
use crate::grid::{COLUMNS, Images};
use crate::model::Classifier;
use crate::neuron::Shown;
use crate::pair::{Loaded, Pair};
use crate::results::Results;
use crate::{Error, Expression, Neuron};
use pictures::Pictures;

pub(crate) use findings::evenly;
pub use findings::{Quantiles, Scanned, Unreadable};

/// Pictures that the classifier looks at together.
const BATCH: usize = 16;

const RECORD: &str = "scan.json";
const TABLE: &str = "scan.csv";
const GRID: &str = "grid.png";

/// Which pictures to look at, and for what.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanRequest {
    /// A folder with PNG and JPEG files, also in folders of its own; or a
    /// safetensors file with the tensor `images`, u8 `[n, h, w]` or
    /// `[n, c, h, w]`.
    pub pictures: PathBuf,
    /// The neurons with their ranges; a picture counts if all of them hold.
    pub neurons: Vec<String>,
    /// Most pictures on the contact sheet.
    pub shown: usize,
}

/// A [`ScanRequest`], resolved.
#[derive(Debug)]
pub struct Scan {
    pair: Pair,
    neurons: Vec<Neuron>,
    pictures: PathBuf,
    shown: usize,
    /// `[c, h, w]` of the classifier's images.
    shape: [usize; 3],
}

/// What was seen of the readable pictures.
#[derive(Debug, Default)]
struct Seen {
    /// Which pictures, in their order.
    pictures: Vec<usize>,
    /// Activations `[n, m]`.
    values: Vec<f32>,
    unreadable: Vec<Unreadable>,
}

impl Scan {
    /// Resolves the neurons. Only the pair's classifier is used. Nothing is
    /// read or written yet.
    ///
    /// # Errors
    /// [`Error::Request`] says what cannot be carried out, and what to try.
    pub fn new(pair: Pair, request: &ScanRequest) -> Result<Scan, Error> {
        let refused = |what: &str| Err(Error::Request(what.to_owned()));
        if request.neurons.is_empty() {
            return refused("scanning for no neuron: name at least one");
        }
        if request.shown == 0 {
            return refused("showing 0 pictures: ask for at least 1");
        }
        let Loaded { file, network, .. } = &pair.classifier;
        let neurons = request
            .neurons
            .iter()
            .map(|text| Neuron::resolve(&text.parse::<Expression>()?, text, file, network))
            .collect::<Result<Vec<Neuron>, Error>>()?;
        let input = network.shape(NodeId::INPUT);
        let Some(shape) = input.planes() else {
            return refused(&format!(
                "choosing a classifier: {} takes {input}, not an image",
                Shown(&file.description().name)
            ));
        };
        Ok(Scan {
            neurons,
            pictures: request.pictures.clone(),
            shown: request.shown,
            shape,
            pair,
        })
    }

    /// The neurons as they were resolved.
    pub fn neurons(&self) -> &[Neuron] {
        &self.neurons
    }

    /// `runs/scan-<neuron>-<range>`, of the first neuron and the number of the
    /// others.
    pub fn default_directory(&self) -> PathBuf {
        let more = match self.neurons.len() {
            1 => String::new(),
            n => format!("+{}-more", n - 1),
        };
        Path::new("runs").join(format!("scan-{}{more}", self.neurons[0].slug()))
    }

    /// Looks at every picture and writes what was found into a directory; one
    /// that holds the same scan is written anew. `watch` hears of how many
    /// pictures of how many were looked at.
    ///
    /// Pictures are fitted to the classifier's images in 8 bits: one that is
    /// larger on both sides is shrunk until it just covers the image, and what
    /// then sticks out or is missing is cropped, or padded with black, evenly
    /// on both sides. One that cannot be read is counted and named.
    ///
    /// # Errors
    /// [`Error::Request`] for pictures that are not there or none of which can
    /// be read, [`Error::Directory`] and [`Error::Io`] for the directory.
    pub fn run(
        &self,
        directory: &Path,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Scanned, Error> {
        let (mut results, _) = Results::find(directory, RECORD, self.request())?;
        let pictures = Pictures::find(&self.pictures, self.shape, directory)?;
        let seen = self.look(&pictures, watch)?;
        let scanned = self.findings(&pictures, seen, directory);
        results.write_record(&scanned)?;
        results.write(TABLE, scanned.table().as_bytes())?;
        let shown = scanned.shown(self.shown);
        match shown.is_empty() {
            true => results.remove(GRID)?,
            false => {
                let bytes = self.again(&pictures, &shown)?;
                let images = Images {
                    bytes: &bytes,
                    shape: self.shape,
                };
                results.write_sheet(GRID, images, shown.len(), shown.len().min(COLUMNS))?;
            }
        }
        Ok(scanned)
    }

    /// What `scan.json` says of the request. The folder of the pictures is not
    /// recorded: a directory that is passed on must not tell where it was made.
    fn request(&self) -> Value {
        let name = self.pictures.file_name().unwrap_or_default();
        json!({
            "pictures": name.to_string_lossy(),
            "neurons": self.neurons,
            "shown": self.shown,
            "classifier": self.pair.classifier.record(),
        })
    }

    fn look(
        &self,
        pictures: &Pictures,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Seen, Error> {
        let mut classifier = Classifier::new(&self.pair, &self.neurons, &Encoding::Pixels, BATCH)?;
        let (mut seen, count) = (Seen::default(), pictures.count());
        for first in (0..count).step_by(BATCH) {
            let before = seen.pictures.len();
            let mut images = Vec::new();
            for i in first..count.min(first + BATCH) {
                match pictures.read(i, self.shape) {
                    Ok(image) => {
                        images.extend(image);
                        seen.pictures.push(i);
                    }
                    Err(cause) => seen.unreadable.push(Unreadable {
                        file: pictures.name(i),
                        cause,
                    }),
                }
            }
            let n = seen.pictures.len() - before;
            if n > 0 {
                let measured = classifier
                    .measure(&images, n)
                    .map_err(|cause| Error::Sampler(cause.to_string()))?;
                seen.values.extend_from_slice(measured);
            }
            watch(count.min(first + BATCH), count);
        }
        match (seen.pictures.first(), seen.unreadable.first()) {
            (None, Some(Unreadable { file, cause })) => Err(Error::Request(format!(
                "scanning {}: none of {count} pictures can be read; the first, {}: {cause}",
                Shown(&self.pictures.display().to_string()),
                Shown(file),
            ))),
            _ => Ok(seen),
        }
    }

    /// The bytes of some pictures, read once more.
    fn again(&self, pictures: &Pictures, chosen: &[usize]) -> Result<Vec<u8>, Error> {
        let read = |&i: &usize| {
            pictures.read(i, self.shape).map_err(|cause| Error::Io {
                doing: "reading once more",
                path: pictures.name(i).into(),
                cause: std::io::Error::other(cause),
            })
        };
        let images = chosen.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(images.concat())
    }
}
