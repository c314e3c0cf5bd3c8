//! From what a pickle holds to named tensors.

use super::pickle::Pickle;
use super::value::{Element, Id, Tensor, Value, Values};
use crate::error::quoted;
use crate::state_dict::Collector;
use crate::{Blob, Error, MAX_DEPTH, MAX_FIELDS, MAX_STRING, StateDict};

/// Where checkpoints keep the state dict.
const STATE_DICT: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// The tensors of a pickle; `storage` gives the bytes under a key.
pub(super) fn state_dict<'a>(
    pickle: &Pickle<'_>,
    storage: impl Fn(&str) -> Option<&'a [u8]>,
) -> Result<StateDict<'a>, Error> {
    let values = &pickle.values;
    let is_dict = |id: &Id| matches!(values.get(*id), Value::Dict(_));
    if !is_dict(&pickle.root) {
        return Err(Error::new(
            "file",
            "a dictionary of tensors",
            pickle.root().kind(),
        ));
    }
    let root = STATE_DICT
        .iter()
        .filter_map(|key| entry(values, pickle.root, key))
        .find(is_dict)
        .unwrap_or(pickle.root);
    let mut walk = Walk {
        values,
        storage,
        collector: Collector::default(),
        seen: 0,
    };
    walk.visit(root, "", MAX_DEPTH)?;
    Ok(walk.collector.finish())
}

/// The value under a key of a dictionary.
pub(super) fn entry(values: &Values, dict: Id, key: &str) -> Option<Id> {
    match values.get(dict) {
        Value::Dict(entries) => entries
            .iter()
            .find_map(|&(name, value)| (values.text(name) == Some(key)).then_some(value)),
        _ => None,
    }
}

struct Walk<'p, 'v, 'a, S> {
    values: &'p Values<'v>,
    storage: S,
    collector: Collector<'a>,
    /// Entries so far: dictionaries that hold each other have no end.
    seen: usize,
}

impl<'a, S: Fn(&str) -> Option<&'a [u8]>> Walk<'_, '_, 'a, S> {
    fn visit(&mut self, dict: Id, prefix: &str, depth: usize) -> Result<(), Error> {
        let values = self.values;
        let Value::Dict(entries) = values.get(dict) else {
            return Ok(());
        };
        let place = || format!("dictionary {}", quoted(prefix));
        if depth == 0 {
            let expected = format!("at most {MAX_DEPTH} dictionaries inside of each other");
            return Err(Error::new(place(), expected, "more"));
        }
        for &(key, value) in entries {
            self.seen += 1;
            if self.seen > MAX_FIELDS {
                let expected = format!("at most {MAX_FIELDS} entries");
                return Err(Error::new(place(), expected, "more"));
            }
            let Some(key) = values.text(key) else {
                continue;
            };
            if !matches!(values.get(value), Value::Dict(_) | Value::Tensor(_)) {
                continue;
            }
            if prefix.len().saturating_add(key.len()) > MAX_STRING {
                let expected = format!("names of at most {MAX_STRING} bytes");
                return Err(Error::new(place(), expected, "a longer one"));
            }
            let name = format!("{prefix}{key}");
            match values.get(value) {
                Value::Tensor(tensor) => self.tensor(name, tensor)?,
                _ => self.visit(value, &format!("{name}."), depth - 1)?,
            }
        }
        Ok(())
    }

    fn tensor(&mut self, name: String, tensor: &Tensor) -> Result<(), Error> {
        let Value::Storage(storage) = self.values.get(tensor.storage) else {
            return Ok(());
        };
        let Element::Float(encoding) = storage.element else {
            return Ok(());
        };
        let place = || format!("tensor {}", quoted(&name));
        if !tensor.contiguous {
            let expected = "contiguous numbers (call .contiguous() before saving)";
            return Err(Error::new(place(), expected, "gaps or another order"));
        }
        let data = (self.storage)(storage.key).ok_or_else(|| {
            let expected = format!("storage {}", quoted(storage.key));
            Error::new(place(), expected, "no such storage")
        })?;
        let blob = part(data, tensor, encoding.size())
            .and_then(|bytes| Blob::plain(tensor.shape.clone(), encoding, bytes));
        let blob = blob.ok_or_else(|| {
            let Tensor { shape, offset, .. } = tensor;
            let expected = format!("numbers of shape {shape:?} from number {offset} on");
            Error::new(
                place(),
                expected,
                format!("a storage of {} bytes", data.len()),
            )
        })?;
        self.collector.insert(name, blob)
    }
}

/// The bytes of a tensor in its storage.
fn part<'a>(data: &'a [u8], tensor: &Tensor, size: usize) -> Option<&'a [u8]> {
    let count = tensor
        .shape
        .iter()
        .copied()
        .try_fold(1, usize::checked_mul)?;
    let start = tensor.offset.checked_mul(size)?;
    data.get(start..)?.get(..count.checked_mul(size)?)
}
