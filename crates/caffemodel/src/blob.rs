use std::fmt;

use half::{bf16, f16};

use crate::Error;
use crate::wire::{Field, Fields, Wire};

/// How many numbers [`Blob::for_each_chunk`] gives at once, at most.
const CHUNK: usize = 65_536;

/// How the numbers of a blob are stored, little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// IEEE half precision.
    F16,
    /// The upper half of an `f32`.
    Bf16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

impl Encoding {
    /// Bytes per number.
    pub fn size(self) -> usize {
        match self {
            Encoding::F16 | Encoding::Bf16 => 2,
            Encoding::F32 => 4,
            Encoding::F64 => 8,
        }
    }
}

/// An array of numbers that lies in a file; nothing of it is copied.
#[derive(Clone)]
pub struct Blob<'a> {
    shape: Vec<usize>,
    len: usize,
    encoding: Encoding,
    numbers: Numbers<'a>,
}

/// Where the numbers lie.
#[derive(Clone, Copy)]
enum Numbers<'a> {
    /// One after the other.
    Plain(&'a [u8]),
    /// In every occurrence of a field of this message, which has been walked
    /// once without an error.
    Repeated { message: &'a [u8], field: u32 },
}

impl<'a> Blob<'a> {
    /// A blob whose numbers lie one after the other. `None` where `bytes` is
    /// not as long as the shape demands.
    pub(crate) fn plain(shape: Vec<usize>, encoding: Encoding, bytes: &'a [u8]) -> Option<Self> {
        let len = product(&shape)?;
        (len.checked_mul(encoding.size())? == bytes.len()).then_some(Self {
            shape,
            len,
            encoding,
            numbers: Numbers::Plain(bytes),
        })
    }

    /// A blob whose numbers are a repeated `float` (F32) or `double` (F64)
    /// field of a protobuf message that begins at byte `offset` of its file:
    /// packed in any number of pieces, unpacked, or both.
    ///
    /// An error where the message is malformed or does not hold as many
    /// numbers as the shape demands.
    pub(crate) fn repeated(
        shape: Vec<usize>,
        encoding: Encoding,
        message: &'a [u8],
        field: u32,
        offset: usize,
    ) -> Result<Self, Error> {
        let place = || format!("field {field} of the message at byte {offset}");
        let mut found = 0;
        let mut pieces = 0;
        let mut last = [].as_slice();
        for entry in Fields::new(message, offset) {
            if let Some(bytes) = piece(message, &entry?, field, encoding, offset)? {
                found += bytes.len() / encoding.size();
                pieces += 1;
                last = bytes;
            }
        }
        let expected = product(&shape).ok_or_else(|| {
            let found = format!("shape {shape:?}");
            Error::new(
                place(),
                "a shape whose product is no more than a file holds",
                found,
            )
        })?;
        if expected != found {
            let expected = format!("{expected} numbers of shape {shape:?}");
            return Err(Error::new(place(), expected, format!("{found} numbers")));
        }
        let numbers = match pieces {
            0 | 1 => Numbers::Plain(last),
            _ => Numbers::Repeated { message, field },
        };
        Ok(Self {
            shape,
            len: found,
            encoding,
            numbers,
        })
    }

    /// The sizes of the axes, slowest first; legacy four-dimensional shapes
    /// as they are written, for example `[1, 1, 1, 96]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many numbers there are: the product of the shape.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether an axis has size 0.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How the numbers are stored.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Gives all numbers to `f`, in row-major order, rounded to `f32`, at
    /// most 65,536 at a time.
    pub fn for_each_chunk(&self, mut f: impl FnMut(&[f32])) {
        let mut buffer = Vec::with_capacity(self.len.min(CHUNK));
        self.for_each_piece(|mut bytes| {
            while !bytes.is_empty() {
                let room = (CHUNK - buffer.len()) * self.encoding.size();
                let (now, later) = bytes.split_at(bytes.len().min(room));
                decode(self.encoding, now, &mut buffer);
                bytes = later;
                if buffer.len() == CHUNK {
                    f(&buffer);
                    buffer.clear();
                }
            }
        });
        if !buffer.is_empty() {
            f(&buffer);
        }
    }

    /// All numbers, rounded to `f32`.
    pub fn to_floats(&self) -> Vec<f32> {
        let mut floats = Vec::with_capacity(self.len);
        self.for_each_piece(|bytes| decode(self.encoding, bytes, &mut floats));
        floats
    }

    /// The numbers as they lie in the file, at any alignment, where they lie
    /// in one piece and are [`Encoding::F32`].
    pub fn f32_bytes(&self) -> Option<&'a [u8]> {
        match self.numbers {
            Numbers::Plain(bytes) if self.encoding == Encoding::F32 => Some(bytes),
            _ => None,
        }
    }

    /// The same numbers under another shape; `None` where its product
    /// differs.
    pub fn reshaped(&self, shape: Vec<usize>) -> Option<Blob<'a>> {
        (product(&shape)? == self.len).then(|| Self {
            shape,
            ..self.clone()
        })
    }

    fn for_each_piece(&self, mut f: impl FnMut(&'a [u8])) {
        match self.numbers {
            Numbers::Plain(bytes) => f(bytes),
            Numbers::Repeated { message, field } => Fields::new(message, 0)
                .flatten()
                .filter_map(|entry| piece(message, &entry, field, self.encoding, 0).ok()?)
                .for_each(f),
        }
    }
}

impl fmt::Debug for Blob<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Blob({:?} {:?})", self.encoding, self.shape)
    }
}

/// `None` where the product does not fit; the product of no axes is 1.
fn product(shape: &[usize]) -> Option<usize> {
    // A zero among the axes does not excuse an overflow of the others.
    let positive = shape.iter().filter(|&&size| size > 0);
    positive.copied().try_fold(1, usize::checked_mul)?;
    Some(shape.iter().product())
}

/// The numbers that one field of a message holds, if it is `field`; the
/// message begins at byte `offset` of the file.
fn piece<'a>(
    message: &'a [u8],
    entry: &Field<'a>,
    field: u32,
    encoding: Encoding,
    offset: usize,
) -> Result<Option<&'a [u8]>, Error> {
    if entry.number != field {
        return Ok(None);
    }
    let unpacked = match (entry.value, encoding) {
        (Wire::Bytes(bytes), _) if bytes.len().is_multiple_of(encoding.size()) => {
            return Ok(Some(bytes));
        }
        (Wire::Fixed32(_), Encoding::F32) | (Wire::Fixed64(_), Encoding::F64) => {
            entry.offset - offset
        }
        (Wire::Bytes(bytes), _) => {
            return Err(Error::new(
                format_args!("field {field}, byte {}", entry.offset),
                format!("numbers of {} bytes each", encoding.size()),
                format!("{} bytes", bytes.len()),
            ));
        }
        _ => return Err(entry.unexpected(&format!("numbers of {} bytes", encoding.size()))),
    };
    Ok(Some(&message[unpacked..unpacked + encoding.size()]))
}

fn decode(encoding: Encoding, bytes: &[u8], into: &mut Vec<f32>) {
    match encoding {
        Encoding::F16 => extend(bytes, into, |bytes| f16::from_le_bytes(bytes).to_f32()),
        Encoding::Bf16 => extend(bytes, into, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        Encoding::F32 => extend(bytes, into, f32::from_le_bytes),
        Encoding::F64 => extend(bytes, into, |bytes| f64::from_le_bytes(bytes) as f32),
    }
}

fn extend<const N: usize>(bytes: &[u8], into: &mut Vec<f32>, number: impl Fn([u8; N]) -> f32) {
    let (numbers, _) = bytes.as_chunks::<N>();
    into.extend(numbers.iter().map(|&bytes| number(bytes)));
}
