//! Reading and validating a network file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use memmap2::Mmap;
use safetensors::{SafeTensorError, SafeTensors};
use serde::Deserialize;

use crate::error::Fault;
use crate::{
    Description, Dtype, Error, FileSource, Layer, METADATA_KEY, SharedTensor, Tensor, VERSION,
    graph, tables,
};

/// A network file, open and validated: its [`Description`] and its tensors.
pub struct NetworkFile {
    source: Option<FileSource>,
    bytes: Arc<Bytes>,
    index: Index,
    sha256: OnceLock<String>,
}

pub(crate) enum Bytes {
    Mapped(Mmap),
    Embedded(&'static [u8]),
    Owned(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Embedded(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

impl NetworkFile {
    /// Maps a file into memory, or takes one that is embedded in the program,
    /// and validates it. A file on disk must not be changed in place as long as
    /// the value lives; replacing it, as [`crate::write`] does, is harmless.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no such regular file or it cannot be read,
    /// [`Error::Invalid`] if its contents are no valid network.
    pub fn open(source: impl Into<FileSource>) -> Result<NetworkFile, Error> {
        let source = source.into();
        let bytes = source.bytes()?;
        NetworkFile::new(Some(source), bytes)
    }

    /// Takes the contents of a file and validates them.
    ///
    /// # Errors
    /// [`Error::Invalid`] if they are no valid network.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<NetworkFile, Error> {
        NetworkFile::new(None, Bytes::Owned(bytes))
    }

    fn new(source: Option<FileSource>, bytes: Bytes) -> Result<NetworkFile, Error> {
        let path = source.as_ref().map(FileSource::path);
        let index = Index::read(&bytes).map_err(|fault| fault.in_file(path))?;
        Ok(NetworkFile {
            source,
            bytes: Arc::new(bytes),
            index,
            sha256: OnceLock::new(),
        })
    }

    /// What the file says about its network.
    pub fn description(&self) -> &Description {
        &self.index.description
    }

    /// Where the file was opened, unless it was given as bytes.
    pub fn source(&self) -> Option<&FileSource> {
        self.source.as_ref()
    }

    /// The tensor of a name, if there is one.
    pub fn tensor(&self, name: &str) -> Option<Tensor<'_>> {
        self.index.tensor(self.bytes(), name)
    }

    /// The tensor of a name, if there is one, for those who keep it longer
    /// than the file.
    pub fn share(&self, name: &str) -> Option<SharedTensor> {
        let entry = self.index.tensors.get(name)?;
        Some(SharedTensor::new(
            Arc::clone(&self.bytes),
            entry.dtype,
            entry.shape.clone(),
            entry.range.clone(),
        ))
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The values of a tensor in single precision, row-major.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such tensor.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>, Error> {
        match self.tensor(name) {
            Some(tensor) => Ok(tensor.to_floats()),
            None => Err(missing(name).in_file(self.source().map(FileSource::path))),
        }
    }

    /// The names of all tensors, sorted.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.index.tensors.keys().map(String::as_str)
    }

    /// SHA-256 of the whole file in hexadecimal, computed in the first call.
    pub fn sha256(&self) -> String {
        let computed = || crate::sha256(self.bytes());
        self.sha256.get_or_init(computed).clone()
    }
}

impl std::fmt::Debug for NetworkFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetworkFile")
            .field("source", &self.source)
            .field("name", &self.index.description.name)
            .finish_non_exhaustive()
    }
}

/// The bytes of a file, mapped into memory rather than read, for files that
/// are large. The file must not be changed in place as long as the value
/// lives.
///
/// # Errors
/// [`Error::Io`] if there is no such regular file or it cannot be read.
pub fn map_file(path: &Path) -> Result<impl Deref<Target = [u8]> + use<>, Error> {
    map(path).map_err(Error::io("read", path))
}

#[allow(unsafe_code)]
pub(crate) fn map(path: &Path) -> io::Result<Mmap> {
    // Asked before opening, because opening a named pipe would wait.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let file = File::open(path)?;
    // SAFETY: The bytes of a mapping must not change behind a shared slice.
    // Nobody changes network files in place: our writer replaces them by
    // renaming, which leaves an existing mapping on the old contents. Other
    // files are downloads, which lie still.
    unsafe { Mmap::map(&file) }
}

/// Where things lie in the bytes of a file.
pub(crate) struct Index {
    pub(crate) description: Description,
    tensors: BTreeMap<String, Entry>,
}

struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    range: Range<usize>,
}

impl Index {
    /// Parses the bytes of a whole file and validates everything in it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Index, Fault> {
        let (header, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|error| not_safetensors(bytes, error))?;
        let json = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get(METADATA_KEY))
            .ok_or_else(|| {
                Fault::new(
                    "header",
                    format!("the metadata key `{METADATA_KEY}` of a network file"),
                    "a safetensors file without it; convert it first",
                )
            })?;
        let description = parse_description(json)?;
        graph::check(&description)?;

        let data = size_of::<u64>() + header;
        let mut tensors = BTreeMap::new();
        for (name, info) in metadata.tensors() {
            let dtype = Dtype::from_stored(info.dtype).ok_or_else(|| {
                Fault::of_tensor(
                    &name,
                    "values of type F32, F16 or BF16",
                    info.dtype.to_string(),
                )
            })?;
            let entry = Entry {
                dtype,
                shape: info.shape.clone(),
                range: data + info.data_offsets.0..data + info.data_offsets.1,
            };
            tensors.insert(name, entry);
        }
        let index = Index {
            description,
            tensors,
        };
        index.check_finite(bytes)?;
        tables::check(&index, bytes)?;
        Ok(index)
    }

    pub(crate) fn tensor<'a>(&'a self, bytes: &'a [u8], name: &str) -> Option<Tensor<'a>> {
        self.tensors.get(name).map(|entry| Tensor {
            dtype: entry.dtype,
            shape: &entry.shape,
            bytes: &bytes[entry.range.clone()],
        })
    }

    fn check_finite(&self, bytes: &[u8]) -> Result<(), Fault> {
        for name in self.tensors.keys() {
            let bad = self.tensor(bytes, name).and_then(|t| t.first_non_finite());
            if let Some(at) = bad {
                return Err(Fault::of_tensor(
                    name,
                    "finite numbers",
                    format!("NaN or an infinity at index {at}"),
                ));
            }
        }
        Ok(())
    }
}

/// The fault of a tensor that is not there.
pub(crate) fn missing(name: &str) -> Fault {
    Fault::of_tensor(name, "this tensor", "none of this name")
}

fn not_safetensors(bytes: &[u8], error: SafeTensorError) -> Fault {
    let expected = "a complete safetensors file";
    let found = match error {
        SafeTensorError::HeaderTooSmall | SafeTensorError::InvalidHeaderLength => {
            format!("{} bytes, which end within the header", bytes.len())
        }
        SafeTensorError::MetadataIncompleteBuffer => format!(
            "{} bytes, which are more or fewer than the header describes; the file may be truncated",
            bytes.len()
        ),
        other => other.to_string(),
    };
    Fault::new("header", expected, found)
}

fn parse_description(json: &str) -> Result<Description, Fault> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let expected = "a description of a network in JSON";
    let Versioned { version } = serde_json::from_str(json)
        .map_err(|error| Fault::new("description", expected, error.to_string()))?;
    if version != VERSION {
        return Err(Fault::new(
            "description",
            format!("version {VERSION}"),
            format!("version {version}; a newer program may read it"),
        ));
    }
    serde_json::from_str(json).map_err(|error| {
        faulty_layer(json).unwrap_or_else(|| Fault::new("description", expected, error.to_string()))
    })
}

/// Finds the layer that keeps a description from being read, so that the
/// message can name it. None if the fault is elsewhere.
fn faulty_layer(json: &str) -> Option<Fault> {
    let document: serde_json::Value = serde_json::from_str(json).ok()?;
    let layers = document.get("layers")?.as_array()?;
    (1..).zip(layers).find_map(|(position, value)| {
        let error = Layer::deserialize(value).err()?;
        let name = value.get("name").and_then(|name| name.as_str());
        let place = match name {
            Some(name) => format!("layer {name}"),
            None => format!("layer number {position}"),
        };
        Some(Fault::new(
            place,
            "a layer of the schema",
            error.to_string(),
        ))
    })
}
