//! Writing a network file, whole or not at all.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use sha2::{Digest, Sha256};

use crate::error::Fault;
use crate::read::Index;
use crate::{Description, Error, METADATA_KEY, TensorData, graph};

/// The bytes of a network file. Equal arguments give equal bytes, and what is
/// returned can be read back: it has passed the validation of
/// [`crate::NetworkFile`].
///
/// # Errors
/// [`Error::Invalid`] if the description or a tensor is at fault, also if a
/// value overflows the type that it is to be stored in.
pub fn to_bytes(description: &Description, tensors: &[TensorData]) -> Result<Vec<u8>, Error> {
    encode(description, tensors).map_err(|fault| fault.in_file(None))
}

/// Writes a network file by [`replace_file`].
///
/// # Errors
/// Those of [`to_bytes`], and [`Error::Io`] if the file cannot be written.
pub fn write(path: &Path, description: &Description, tensors: &[TensorData]) -> Result<(), Error> {
    let bytes = encode(description, tensors).map_err(|fault| fault.in_file(Some(path)))?;
    replace_file(path, &bytes)
}

/// Gives a file new contents, whole or not at all: they are written to a file
/// beside it and forced to the disk before that takes its place.
///
/// # Errors
/// [`Error::Io`]; then the file at `path` is what it was before.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, bytes).map_err(Error::io("write", path))
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string takes everything");
            hex
        })
}

fn encode(description: &Description, tensors: &[TensorData]) -> Result<Vec<u8>, Fault> {
    // Asked before writing JSON, which would turn an infinity into null.
    graph::check(description)?;
    let json = serde_json::to_string(description)
        .map_err(|error| Fault::new("description", "what JSON can say", error.to_string()))?;
    let mut names = BTreeSet::new();
    if let Some(twice) = tensors.iter().find(|t| !names.insert(&t.name)) {
        return Err(Fault::of_tensor(&twice.name, "this name once", "it twice"));
    }
    let encoded = tensors
        .iter()
        .map(TensorData::encode)
        .collect::<Result<Vec<_>, _>>()?;
    let views = tensors
        .iter()
        .zip(&encoded)
        .map(|(tensor, bytes)| {
            TensorView::new(tensor.dtype.stored(), tensor.shape.clone(), bytes)
                .map(|view| (tensor.name.as_str(), view))
        })
        .collect::<Result<Vec<_>, _>>();
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), json)]);
    let bytes = views
        .and_then(|views| safetensors::serialize(views, Some(metadata)))
        .map_err(|error| {
            Fault::new(
                "header",
                "what a safetensors file can hold",
                error.to_string(),
            )
        })?;
    Index::read(&bytes)?;
    Ok(bytes)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = beside(path)?;
    let written = write_synced(&aside, bytes).and_then(|()| fs::rename(&aside, path));
    if let Err(error) = written {
        // The first error is the one to report; a file that was never made
        // cannot be removed either.
        let _ = fs::remove_file(&aside);
        return Err(error);
    }
    sync_folder(path)
}

/// A name in the same folder, so that renaming stays within one file system.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut aside = std::ffi::OsString::from(".");
    aside.push(name);
    aside.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(aside))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Without this a crash could forget the renaming.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Folders cannot be opened as files here.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
