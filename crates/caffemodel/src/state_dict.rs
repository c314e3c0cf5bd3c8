use std::collections::HashSet;

use crate::error::quoted;
use crate::{Blob, Error, MAX_AXES, MAX_FIELDS, MAX_STRING};

/// The most bytes of all names together.
const MAX_NAMES: usize = 4 << 20;

/// Named tensors, in the order of the file. Each name occurs once.
#[derive(Debug, Clone, Default)]
pub struct StateDict<'a> {
    /// Names with what they stand for: `conv1.weight`, `conv1_w_0`.
    pub tensors: Vec<(String, Blob<'a>)>,
}

/// Collects tensors and keeps the limits of structure.
#[derive(Default)]
pub(crate) struct Collector<'a> {
    tensors: Vec<(String, Blob<'a>)>,
    names: HashSet<String>,
    /// Tensors and axes so far.
    size: usize,
    /// Bytes of all names so far.
    bytes: usize,
}

impl<'a> Collector<'a> {
    pub(crate) fn insert(&mut self, name: String, blob: Blob<'a>) -> Result<(), Error> {
        let place = || format!("tensor {}", quoted(&name));
        self.size += 1 + blob.shape().len();
        self.bytes += name.len();
        if name.len() > MAX_STRING || self.bytes > MAX_NAMES {
            let expected =
                format!("names of at most {MAX_STRING} bytes, of {MAX_NAMES} bytes together");
            return Err(Error::new(place(), expected, "more"));
        }
        if blob.shape().len() > MAX_AXES {
            let expected = format!("at most {MAX_AXES} axes");
            return Err(Error::new(
                place(),
                expected,
                blob.shape().len().to_string(),
            ));
        }
        if self.size > MAX_FIELDS {
            let expected = format!("at most {MAX_FIELDS} tensors and axes");
            return Err(Error::new(place(), expected, "more"));
        }
        if !self.names.insert(name.clone()) {
            return Err(Error::new(
                place(),
                "every name once",
                "a second tensor of that name",
            ));
        }
        self.tensors.push((name, blob));
        Ok(())
    }

    pub(crate) fn finish(self) -> StateDict<'a> {
        StateDict {
            tensors: self.tensors,
        }
    }
}
