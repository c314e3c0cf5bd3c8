//! What a pickle of tensors is made of.

use crate::Encoding;

/// Where a value lies in [`Values`].
///
/// Values name each other by place: a container that holds itself is harmless,
/// and nothing that nests deeply is dropped recursively.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(u32);

/// A value that a pickle made.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// `None`, a float: nothing that a state dict is read for.
    Other,
    /// A whole number or a truth value.
    Int(i128),
    Text(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// A `dict` or an `OrderedDict`, in the order in which it was filled.
    Dict(Vec<(Id, Id)>),
    Callable(Callable),
    Storage(Storage<'a>),
    Tensor(Tensor),
}

impl Value<'_> {
    /// The Python name of the type, for errors.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Other => "None or a float",
            Self::Int(_) => "a whole number",
            Self::Text(_) => "a string",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dictionary",
            Self::Callable(_) => "a function or a class",
            Self::Storage(_) => "a storage",
            Self::Tensor(_) => "a tensor",
        }
    }
}

/// The functions and classes that a state dict may name; none is ever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callable {
    /// `collections.OrderedDict`
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2` and the older `_rebuild_tensor`
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`
    RebuildParameter,
    /// `torch.Size`
    Size,
    /// `torch.FloatStorage` and its like
    Storage(Element),
}

impl Callable {
    /// The callable of this module and name; `None` for all that are refused.
    pub(super) fn named(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("collections", "OrderedDict") => Some(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Some(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Some(Self::RebuildParameter),
            ("torch", "Size") => Some(Self::Size),
            ("torch" | "torch.cuda", storage) => Element::of(storage).map(Self::Storage),
            _ => None,
        }
    }
}

/// The type of a storage's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Float(Encoding),
    /// Integers and truth values of so many bytes: counters, not weights.
    Integer(usize),
}

impl Element {
    fn of(storage: &str) -> Option<Self> {
        Some(match storage {
            "FloatStorage" => Self::Float(Encoding::F32),
            "HalfStorage" => Self::Float(Encoding::F16),
            "BFloat16Storage" => Self::Float(Encoding::Bf16),
            "DoubleStorage" => Self::Float(Encoding::F64),
            "ByteStorage" | "CharStorage" | "BoolStorage" => Self::Integer(1),
            "ShortStorage" => Self::Integer(2),
            "IntStorage" => Self::Integer(4),
            "LongStorage" => Self::Integer(8),
            _ => return None,
        })
    }

    /// Bytes of one element.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Float(encoding) => encoding.size(),
            Self::Integer(bytes) => bytes,
        }
    }
}

/// Numbers that lie outside of the pickle, under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    pub(super) element: Element,
    /// In elements.
    pub(super) len: usize,
}

/// A tensor over a storage.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) storage: Id,
    /// Of the first number in the storage, in elements.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Whether the numbers lie in row-major order without gaps.
    pub(super) contiguous: bool,
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Values<'a>(Vec<Value<'a>>);

impl<'a> Values<'a> {
    /// Keeps a value. The caller bounds their number far below 2^32.
    pub(super) fn insert(&mut self, value: Value<'a>) -> Id {
        self.0.push(value);
        Id((self.0.len() - 1) as u32)
    }

    pub(super) fn get(&self, id: Id) -> &Value<'a> {
        &self.0[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Value<'a> {
        &mut self.0[id.0 as usize]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value<'a>> {
        self.0.iter()
    }

    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number that fits, and is not negative.
    pub(super) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    pub(super) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }
}
