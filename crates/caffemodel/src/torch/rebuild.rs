//! Storages, tensors and dictionaries from the arguments that torch pickles.

use super::bad;
use super::value::{Callable, Id, Storage, Tensor, Value, Values};
use crate::{Error, MAX_AXES, MAX_STRING};

/// A storage from its persistent id, as `torch/serialization.py` writes it:
/// `("storage", type, key, location, elements)`, in the older form with a
/// sixth item that is `None` unless the storage is a part of another one.
pub(super) fn storage<'a>(values: &Values<'a>, id: Id, place: usize) -> Result<Storage<'a>, Error> {
    let expected = "a storage: (\"storage\", type, key, location, elements)";
    let items = values
        .tuple(id)
        .ok_or_else(|| bad(place, expected, values.get(id).kind()))?;
    let (&[tag, kind, key, _, len], rest) = items
        .split_first_chunk()
        .ok_or_else(|| bad(place, expected, format!("a tuple of {}", items.len())))?;
    if rest
        .iter()
        .any(|&part| !matches!(values.get(part), Value::Other))
    {
        return Err(bad(place, "a whole storage", "a part of another one"));
    }
    match (
        values.text(tag),
        values.get(kind),
        values.text(key),
        values.size(len),
    ) {
        (Some("storage"), Value::Callable(Callable::Storage(element)), Some(key), Some(len))
            if key.len() <= MAX_STRING =>
        {
            Ok(Storage {
                key,
                element: *element,
                len,
            })
        }
        _ => Err(bad(place, expected, "other items")),
    }
}

/// A tensor from the arguments of `torch._utils._rebuild_tensor_v2`:
/// storage, offset, size, stride, and more that does not matter here.
pub(super) fn tensor(values: &Values, arguments: &[Id], place: usize) -> Result<Tensor, Error> {
    let expected = "a tensor: storage, offset, size, stride";
    let &[storage, offset, size, stride] = arguments
        .first_chunk()
        .ok_or_else(|| bad(place, expected, format!("{} arguments", arguments.len())))?;
    if !matches!(values.get(storage), Value::Storage(_)) {
        return Err(bad(place, expected, values.get(storage).kind()));
    }
    let offset = values
        .size(offset)
        .ok_or_else(|| bad(place, expected, "no such offset"))?;
    let shape = sizes(values, size, place)?;
    let strides = sizes(values, stride, place)?;
    if shape.len() != strides.len() {
        let found = format!("{} sizes and {} strides", shape.len(), strides.len());
        return Err(bad(place, expected, found));
    }
    let contiguous = is_contiguous(&shape, &strides);
    Ok(Tensor {
        storage,
        offset,
        shape,
        contiguous,
    })
}

fn sizes(values: &Values, id: Id, place: usize) -> Result<Vec<usize>, Error> {
    let expected = || format!("a tuple of at most {MAX_AXES} sizes");
    values
        .tuple(id)
        .filter(|items| items.len() <= MAX_AXES)
        .and_then(|items| items.iter().map(|&item| values.size(item)).collect())
        .ok_or_else(|| bad(place, expected(), "something else"))
}

/// Whether numbers with these strides lie in row-major order without gaps;
/// the stride of a dimension of size 1 means nothing.
fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut dense = 1_usize;
    shape.contains(&0)
        || shape.iter().zip(strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == dense;
            dense = dense.saturating_mul(size);
            fits
        })
}

/// The entries of an `OrderedDict` that was pickled as a list of pairs (Python 2).
pub(super) fn dict(values: &Values, id: Id, place: usize) -> Result<Vec<(Id, Id)>, Error> {
    let pair = |&item: &Id| match values.get(item) {
        Value::List(pair) | Value::Tuple(pair) => <[Id; 2]>::try_from(pair.as_slice()).ok(),
        _ => None,
    };
    match values.get(id) {
        Value::List(items) => items
            .iter()
            .map(|item| pair(item).map(Into::into))
            .collect(),
        _ => None,
    }
    .ok_or_else(|| bad(place, "a list of keys with values", values.get(id).kind()))
}
