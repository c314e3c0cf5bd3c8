//! The stream of pickles that torch wrote before 1.6 (`_legacy_save` in
//! torch/serialization.py): magic number, protocol version, system, the
//! object, the keys of its storages; then each storage, its count first.

use std::collections::HashMap;

use super::cursor::Cursor;
use super::pickle::Pickle;
use super::value::{Storage, Value};
use super::{bad, big_endian, tensors};
use crate::error::quoted;
use crate::{Error, StateDict};

/// `MAGIC_NUMBER` of torch/serialization.py.
const MAGIC_NUMBER: i128 = 0x1950_a86a_20f9_469c_fc6c;
/// `PROTOCOL_VERSION` of torch/serialization.py.
const PROTOCOL_VERSION: i128 = 1001;

pub(super) fn read(bytes: &[u8]) -> Result<StateDict<'_>, Error> {
    let cursor = &mut Cursor::new(bytes);
    number(cursor, MAGIC_NUMBER, "the magic number of torch.save")?;
    number(cursor, PROTOCOL_VERSION, "version 1001 of torch.save")?;
    let system = Pickle::read(cursor)?;
    let little_endian = tensors::entry(&system.values, system.root, "little_endian");
    if let Some(Value::Int(0)) = little_endian.map(|id| system.values.get(id)) {
        return Err(big_endian("system"));
    }
    let pickle = Pickle::read(cursor)?;
    let storages = storages(&pickle, cursor)?;
    tensors::state_dict(&pickle, |key| storages.get(key).copied())
}

fn number(cursor: &mut Cursor, wanted: i128, expected: &str) -> Result<(), Error> {
    let position = cursor.position();
    match Pickle::read(cursor)?.root() {
        Value::Int(number) if *number == wanted => Ok(()),
        other => Err(bad(position, expected, other.kind())),
    }
}

/// The bytes of the storages by their keys.
fn storages<'a>(
    pickle: &Pickle<'a>,
    cursor: &mut Cursor<'a>,
) -> Result<HashMap<&'a str, &'a [u8]>, Error> {
    let declared = declared(pickle)?;
    let position = cursor.position();
    let keys = Pickle::read(cursor)?;
    let Value::List(ids) = keys.root() else {
        return Err(bad(
            position,
            "the keys of the storages",
            keys.root().kind(),
        ));
    };
    let mut storages = HashMap::new();
    for &id in ids {
        let position = cursor.position();
        let key = keys.values.text(id).unwrap_or_default();
        let storage = declared
            .get(key)
            .ok_or_else(|| bad(position, "a storage of the object", quoted(key)))?;
        let place = || format!("storage {}", quoted(key));
        let count = cursor.i64().map_err(|error| error.within(place()))?;
        if usize::try_from(count) != Ok(storage.len) {
            let expected = format!("{} elements", storage.len);
            return Err(Error::new(place(), expected, count.to_string()));
        }
        let size = storage.len.saturating_mul(storage.element.size());
        let data = cursor.take(size).map_err(|error| error.within(place()))?;
        if storages.insert(storage.key, data).is_some() {
            return Err(Error::new(place(), "every storage once", "a second one"));
        }
    }
    Ok(storages)
}

/// The storages that the object names, by their keys.
fn declared<'a>(pickle: &Pickle<'a>) -> Result<HashMap<&'a str, Storage<'a>>, Error> {
    let mut declared = HashMap::new();
    for value in pickle.values.iter() {
        let Value::Storage(storage) = value else {
            continue;
        };
        if declared
            .insert(storage.key, *storage)
            .is_some_and(|earlier| earlier != *storage)
        {
            let place = format!("storage {}", quoted(storage.key));
            return Err(Error::new(place, "one type and length", "two"));
        }
    }
    Ok(declared)
}
