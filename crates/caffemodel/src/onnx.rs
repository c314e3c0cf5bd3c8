use crate::error::quoted;
use crate::state_dict::Collector;
use crate::wire::{Field, Fields, Wire};
use crate::{Blob, Encoding, Error, MAX_AXES, StateDict};

/// Reads the initialisers of an ONNX model (onnx.proto, `ModelProto`), in
/// their order: `conv1_w_0`, `conv1_b_0`. Nodes are not read.
///
/// Initialisers of integers (shapes for `Reshape`, quantised weights), truth
/// values and strings are left out.
///
/// # Errors
///
/// Malformed files; data kept in other files or in segments; complex numbers,
/// floats of 8 bits and fewer, and halves that are stored as integers.
pub fn read_onnx(bytes: &[u8]) -> Result<StateDict<'_>, Error> {
    let mut collector = Collector::default();
    let mut graphs = 0;
    for field in Fields::new(bytes, 0) {
        let field = field?;
        // ModelProto.graph; protobuf merges several occurrences.
        if field.number == 7 {
            read_graph(field.bytes()?, field.offset, &mut collector)?;
            graphs += 1;
        }
    }
    if graphs == 0 {
        return Err(Error::new("file", "an ONNX model with a graph", "none"));
    }
    Ok(collector.finish())
}

fn read_graph<'a>(
    graph: &'a [u8],
    offset: usize,
    collector: &mut Collector<'a>,
) -> Result<(), Error> {
    for field in Fields::new(graph, offset) {
        let field = field?;
        // GraphProto.initializer
        if field.number == 5 {
            let start = field.offset;
            let tensor = Tensor::read(field.bytes()?, start)
                .map_err(|error| error.within(format_args!("initialiser at byte {start}")))?;
            let place = || format!("initialiser {}", quoted(tensor.name));
            if let Some(blob) = tensor.blob().map_err(|error| error.within(place()))? {
                collector.insert(tensor.name.to_owned(), blob)?;
            }
        }
    }
    Ok(())
}

/// A `TensorProto` without its numbers.
struct Tensor<'a> {
    message: &'a [u8],
    /// Of the message in the file.
    offset: usize,
    name: &'a str,
    dims: Vec<usize>,
    data_type: u64,
    raw_data: &'a [u8],
    /// Whether there are numbers in `int32_data`, which holds halves as integers.
    int32_data: bool,
    /// Why the numbers are not here.
    elsewhere: Option<&'static str>,
}

impl<'a> Tensor<'a> {
    fn read(message: &'a [u8], offset: usize) -> Result<Self, Error> {
        let mut tensor = Self {
            message,
            offset,
            name: "",
            dims: Vec::new(),
            data_type: 0,
            raw_data: &[],
            int32_data: false,
            elsewhere: None,
        };
        for field in Fields::new(message, offset) {
            tensor.set(field?)?;
        }
        Ok(tensor)
    }

    /// Singular fields: the last one holds.
    fn set(&mut self, field: Field<'a>) -> Result<(), Error> {
        match field.number {
            1 => self.extend_dims(&field)?,
            2 => self.data_type = field.varint()?,
            3 => self.elsewhere = Some("a segment of a tensor"),
            5 => self.int32_data = true,
            8 => {
                self.name = str::from_utf8(field.bytes()?)
                    .map_err(|_| field.unexpected("a name in UTF-8"))?;
            }
            9 => self.raw_data = field.bytes()?,
            13 => self.elsewhere = Some("data in another file"),
            14 if field.varint()? == 1 => self.elsewhere = Some("data in another file"),
            _ => {}
        }
        Ok(())
    }

    /// Dimensions, each a field of its own or packed.
    fn extend_dims(&mut self, field: &Field<'a>) -> Result<(), Error> {
        match field.value {
            Wire::Bytes(packed) => {
                let mut packed = Fields::new(packed, field.offset);
                while !packed.is_at_end() {
                    let dim = packed.varint()?;
                    self.push_dim(dim, field.offset)?;
                }
                Ok(())
            }
            _ => self.push_dim(field.varint()?, field.offset),
        }
    }

    fn push_dim(&mut self, dim: u64, offset: usize) -> Result<(), Error> {
        let error = |expected: &str, found: String| {
            Error::new(format_args!("dims, byte {offset}"), expected, found)
        };
        // A negative int64 is a varint from 2^63 on.
        let size = i64::try_from(dim)
            .ok()
            .and_then(|dim| usize::try_from(dim).ok());
        let size = size.ok_or_else(|| error("a size", (dim as i64).to_string()))?;
        if self.dims.len() == MAX_AXES {
            return Err(error("at most 32 dimensions", "more".to_owned()));
        }
        self.dims.push(size);
        Ok(())
    }

    /// The numbers; `None` where they cannot be weights.
    fn blob(&self) -> Result<Option<Blob<'a>>, Error> {
        // TensorProto.DataType, with the field that holds the numbers if
        // raw_data does not.
        let (encoding, field) = match self.data_type {
            1 => (Encoding::F32, 4),
            11 => (Encoding::F64, 10),
            10 => (Encoding::F16, 5),
            16 => (Encoding::Bf16, 5),
            // Integers, strings and truth values.
            2..=9 | 12 | 13 | 21 | 22 => return Ok(None),
            other => {
                let expected = "type 1 (float), 10 (float16), 11 (double) or 16 (bfloat16)";
                return Err(Error::new("data_type", expected, other.to_string()));
            }
        };
        if let Some(elsewhere) = self.elsewhere {
            let expected = "data inside of the file (save it again without external data)";
            return Err(Error::new("data", expected, elsewhere));
        }
        if self.raw_data.is_empty() && field != 5 {
            return Blob::repeated(
                self.dims.clone(),
                encoding,
                self.message,
                field,
                self.offset,
            )
            .map(Some);
        }
        if self.raw_data.is_empty() && self.int32_data {
            let expected = "halves in raw_data (save the model again)";
            return Err(Error::new("data", expected, "halves in int32_data"));
        }
        Blob::plain(self.dims.clone(), encoding, self.raw_data)
            .map(Some)
            .ok_or_else(|| {
                let expected = format!("{encoding:?} numbers of shape {:?}", self.dims);
                Error::new(
                    "raw_data",
                    expected,
                    format!("{} bytes", self.raw_data.len()),
                )
            })
    }
}
