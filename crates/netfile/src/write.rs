//! Writing a network file, whole or not at all, one tensor after another.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::Path;

use safetensors::tensor::{Metadata, TensorInfo};
use sha2::{Digest, Sha256};

use crate::error::Fault;
use crate::read::{self, Index};
use crate::replace::{Trouble, replace_by};
use crate::tensor::encode;
use crate::{Description, Error, METADATA_KEY, TensorSource, graph};

/// The bytes of a network file. Equal arguments give equal bytes, and what is
/// returned can be read back: it has passed the validation of
/// [`crate::NetworkFile`].
///
/// # Errors
/// [`Error::Invalid`] if the description or a tensor is at fault, also if a
/// value overflows the type that it is to be stored in.
pub fn to_bytes<T: TensorSource>(
    description: &Description,
    tensors: &[T],
) -> Result<Vec<u8>, Error> {
    let bytes = || {
        let layout = Layout::new(description, tensors)?;
        let mut bytes = Vec::new();
        layout.write_to(&mut bytes)?;
        Index::read(&bytes)?;
        Ok(bytes)
    };
    bytes().map_err(|trouble| match trouble {
        Trouble::Io(error) => unreachable!("memory takes everything: {error}"),
        Trouble::Contents(fault) => fault.in_file(None),
    })
}

/// Writes a network file, whole or not at all, as [`crate::replace_file`]
/// does. No more of a tensor is held in memory than the chunk that its source
/// hands over; the file is mapped and validated before it takes its place.
///
/// # Errors
/// Those of [`to_bytes`], and [`Error::Io`] if the file cannot be written.
pub fn write<T: TensorSource>(
    path: &Path,
    description: &Description,
    tensors: &[T],
) -> Result<(), Error> {
    replace_by(path, |aside| {
        let layout = Layout::new(description, tensors)?;
        let mut file = BufWriter::with_capacity(BUFFER, &mut *aside);
        layout.write_to(&mut file)?;
        file.flush()?;
        drop(file);
        Index::read(&read::map(aside.path())?)?;
        Ok(())
    })
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

/// Bytes that are collected before they are written.
const BUFFER: usize = 1 << 20;

/// The header starts and ends at a multiple of so many bytes.
const ALIGNMENT: usize = size_of::<u64>();

/// What a file will hold, in order.
struct Layout<'a, T> {
    header: Vec<u8>,
    tensors: Vec<&'a T>,
}

impl<'a, T: TensorSource> Layout<'a, T> {
    fn new(description: &Description, tensors: &'a [T]) -> Result<Layout<'a, T>, Fault> {
        // Asked before writing JSON, which would turn an infinity into null.
        graph::check(description)?;
        let json = serde_json::to_string(description)
            .map_err(|error| Fault::new("description", "what JSON can say", error.to_string()))?;
        let mut names = BTreeSet::new();
        if let Some(twice) = tensors.iter().find(|t| !names.insert(t.name())) {
            return Err(Fault::of_tensor(twice.name(), "this name once", "it twice"));
        }
        let mut tensors: Vec<_> = tensors.iter().collect();
        // Wide types first keeps every tensor aligned to its type.
        tensors.sort_by_key(|t| (std::cmp::Reverse(t.dtype().stored()), t.name()));
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), json)]);
        let header = header(metadata, &tensors)?;
        Ok(Layout { header, tensors })
    }

    fn write_to(&self, out: &mut impl Write) -> Result<(), Trouble<Fault>> {
        out.write_all(&(self.header.len() as u64).to_le_bytes())?;
        out.write_all(&self.header)?;
        self.tensors
            .iter()
            .try_for_each(|tensor| write_tensor(*tensor, out))
    }
}

fn header<T: TensorSource>(
    metadata: HashMap<String, String>,
    tensors: &[&T],
) -> Result<Vec<u8>, Fault> {
    let mut end = 0;
    let infos = tensors.iter().map(|tensor| {
        let start = end;
        end = len(*tensor)
            .and_then(|len| len.checked_mul(tensor.dtype().size()))
            .and_then(|size| size.checked_add(start))
            .ok_or_else(|| oversized(*tensor))?;
        let info = TensorInfo {
            dtype: tensor.dtype().stored(),
            shape: tensor.shape().into(),
            data_offsets: (start, end),
        };
        Ok((tensor.name().to_owned(), info))
    });
    let infos = infos.collect::<Result<Vec<_>, Fault>>()?;
    let unwritable = |error: String| {
        let expected = "what a safetensors file can hold";
        Fault::new("header", expected, error)
    };
    let metadata =
        Metadata::new(Some(metadata), infos).map_err(|error| unwritable(error.to_string()))?;
    let mut header =
        serde_json::to_vec(&metadata).map_err(|error| unwritable(error.to_string()))?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    Ok(header)
}

/// Number of values by the shape; none if it overflows.
fn len(tensor: &impl TensorSource) -> Option<usize> {
    let mut sizes = tensor.shape().iter();
    sizes.try_fold(1_usize, |n, &d| n.checked_mul(d))
}

fn oversized(tensor: &impl TensorSource) -> Fault {
    Fault::of_tensor(
        tensor.name(),
        "a size that fits in memory",
        format!("shape {:?}", tensor.shape()),
    )
}

fn write_tensor(tensor: &impl TensorSource, out: &mut impl Write) -> Result<(), Trouble<Fault>> {
    let mut count = 0;
    let mut bytes = Vec::new();
    let mut written = Ok(());
    tensor.for_each_chunk(&mut |values| {
        count += values.len();
        if written.is_ok() {
            encode(tensor.dtype(), values, &mut bytes);
            written = out.write_all(&bytes);
        }
    });
    written?;
    if len(tensor) == Some(count) {
        return Ok(());
    }
    Err(Trouble::Contents(Fault::of_tensor(
        tensor.name(),
        format!("as many values as its shape {:?} holds", tensor.shape()),
        format!("{count} values"),
    )))
}
