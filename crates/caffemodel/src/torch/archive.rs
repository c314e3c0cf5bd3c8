//! The zip archive of torch 1.6 and later: `<name>/data.pkl`,
//! `<name>/data/<key>` and `<name>/byteorder`, none of them compressed.

use std::collections::HashMap;

use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::cursor::Cursor;
use super::pickle::Pickle;
use super::{big_endian, tensors};
use crate::error::quoted;
use crate::{Error, MAX_FIELDS, MAX_STRING, StateDict};

pub(super) fn read(bytes: &[u8]) -> Result<StateDict<'_>, Error> {
    let records = records(bytes)?;
    match records.get("byteorder") {
        None | Some(&b"little") => {}
        Some(_) => return Err(big_endian("byteorder")),
    }
    let pickle = records.get("data.pkl").ok_or_else(|| {
        Error::new(
            "zip archive",
            "a record data.pkl, as torch.save writes it",
            "none",
        )
    })?;
    let pickle =
        Pickle::read(&mut Cursor::new(pickle)).map_err(|error| error.within("data.pkl"))?;
    tensors::state_dict(&pickle, |key| {
        records.get(format!("data/{key}").as_str()).copied()
    })
}

/// The records of the archive by their names without the folder.
fn records(bytes: &[u8]) -> Result<HashMap<String, &[u8]>, Error> {
    let archive = ZipArchive::from_slice(bytes).map_err(malformed)?;
    let mut entries = archive.entries();
    let mut records = HashMap::new();
    let mut count = 0;
    while let Some(entry) = entries.next_entry().map_err(malformed)? {
        count += 1;
        if count > MAX_FIELDS {
            let expected = format!("at most {MAX_FIELDS} records");
            return Err(Error::new("zip archive", expected, "more"));
        }
        let path = entry.file_path();
        let Some((_, name)) = str::from_utf8(path.as_bytes())
            .ok()
            .and_then(|p| p.split_once('/'))
        else {
            continue;
        };
        if name != "data.pkl" && name != "byteorder" && !name.starts_with("data/") {
            continue;
        }
        let place = || format!("record {}", quoted(path.as_bytes()));
        if name.len() > MAX_STRING {
            let expected = format!("a name of at most {MAX_STRING} bytes");
            return Err(Error::new(place(), expected, "a longer one"));
        }
        let data = stored(&archive, &entry, bytes).map_err(|error| error.within(place()))?;
        if records.insert(name.to_owned(), data).is_some() {
            return Err(Error::new(place(), "every record once", "a second one"));
        }
    }
    Ok(records)
}

/// The bytes of a record that is not compressed.
fn stored<'a>(
    archive: &ZipSliceArchive<&'a [u8]>,
    entry: &ZipFileHeaderRecord<'_>,
    bytes: &'a [u8],
) -> Result<&'a [u8], Error> {
    let method = entry.compression_method();
    if method != CompressionMethod::STORE
        || entry.compressed_size_hint() != entry.uncompressed_size_hint()
        || entry.flags().is_encrypted()
    {
        let expected = "plain bytes, as torch.save writes them (load it and save it again)";
        return Err(Error::new(
            "zip archive",
            expected,
            "a compressed or encrypted record",
        ));
    }
    let (start, end) = archive
        .get_entry(entry.wayfinder())
        .map_err(malformed)?
        .compressed_data_range();
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    range
        .and_then(|(start, end)| bytes.get(start..end))
        .ok_or_else(|| {
            Error::new(
                "zip archive",
                "a record inside of the file",
                "one beyond it",
            )
        })
}

fn malformed(error: rawzip::Error) -> Error {
    Error::new("zip archive", "a whole zip archive", error.to_string())
}
