//! A BlobProto: shape and numbers of a blob (caffe.proto, blob.cpp).

use crate::wire::{Field, Fields, Wire};
use crate::{Blob, Encoding, Error, MAX_AXES};

/// `BlobProto.data`: repeated float.
const DATA: u32 = 5;
/// `BlobProto.shape`: BlobShape, whose field 1 is repeated int64.
const SHAPE: u32 = 7;
const DIM: u32 = 1;
/// `BlobProto.double_data`: repeated double.
const DOUBLE_DATA: u32 = 8;

/// Reads a BlobProto that begins at byte `offset` of its file. Gradients
/// (`diff`) are skipped.
///
/// # Errors
///
/// Where the message is malformed, the shape is senseless, or there are more
/// or fewer numbers than it demands.
pub(crate) fn read_blob(message: &[u8], offset: usize) -> Result<Blob<'_>, Error> {
    let mut legacy = [None; 4];
    let mut shape = Vec::new();
    let mut doubles = false;
    for field in Fields::new(message, offset) {
        let field = field?;
        match field.number {
            number @ 1..=4 => legacy[number as usize - 1] = Some(legacy_size(&field)?),
            SHAPE => read_shape(&field, &mut shape)?,
            DOUBLE_DATA => doubles |= field.value != Wire::Bytes(&[]),
            _ => {}
        }
    }
    if legacy.iter().any(Option::is_some) {
        shape = legacy.map(Option::unwrap_or_default).to_vec();
    }
    match doubles {
        true => Blob::repeated(shape, Encoding::F64, message, DOUBLE_DATA, offset),
        false => Blob::repeated(shape, Encoding::F32, message, DATA, offset),
    }
}

/// One of num, channels, height, width: an int32.
fn legacy_size(field: &Field<'_>) -> Result<usize, Error> {
    size(i64::from(field.varint()? as i32), field.offset)
}

fn read_shape(field: &Field<'_>, shape: &mut Vec<usize>) -> Result<(), Error> {
    for dim in Fields::new(field.bytes()?, field.offset) {
        let dim = dim?;
        match (dim.number, dim.value) {
            (DIM, Wire::Bytes(packed)) => {
                let mut dims = Fields::new(packed, dim.offset);
                while !dims.is_at_end() {
                    let offset = dims.offset();
                    push(shape, dims.varint()?, offset)?;
                }
            }
            (DIM, _) => push(shape, dim.varint()?, dim.offset)?,
            _ => {}
        }
    }
    Ok(())
}

fn push(shape: &mut Vec<usize>, dim: u64, offset: usize) -> Result<(), Error> {
    if shape.len() == MAX_AXES {
        let place = format!("shape, byte {offset}");
        let expected = format!("at most {MAX_AXES} axes");
        return Err(Error::new(place, expected, "more of them"));
    }
    shape.push(size(dim as i64, offset)?);
    Ok(())
}

fn size(dim: i64, offset: usize) -> Result<usize, Error> {
    usize::try_from(dim).map_err(|_| {
        let place = format!("shape, byte {offset}");
        Error::new(place, "a size of at least 0", dim.to_string())
    })
}
