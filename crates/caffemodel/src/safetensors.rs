use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::error::quoted;
use crate::state_dict::Collector;
use crate::{Blob, Encoding, Error, StateDict};

/// The longest header, in bytes; it becomes some fifty times as large in memory.
const MAX_HEADER: usize = 1 << 20;

/// Reads a state dict that is stored as safetensors, in the order of the data.
///
/// Tensors of integers and truth values are left out.
///
/// # Errors
///
/// Malformed files, headers above 1 MiB, and numbers of other types than F16,
/// BF16, F32 and F64.
pub fn read_safetensors(bytes: &[u8]) -> Result<StateDict<'_>, Error> {
    let (header, data) = split(bytes)?;
    let metadata: Metadata = serde_json::from_slice(header).map_err(|error| {
        Error::new(
            "header",
            "names with types and shapes",
            quoted(error.to_string()),
        )
    })?;
    if metadata.data_len() != data.len() {
        let expected = format!("{} bytes", metadata.data_len());
        return Err(Error::new("data", expected, data.len().to_string()));
    }
    let mut collector = Collector::default();
    for name in metadata.offset_keys() {
        let Some(info) = metadata.info(&name) else {
            continue;
        };
        let place = || format!("tensor {}", quoted(&name));
        let Some(encoding) = encoding(info.dtype).map_err(|error| error.within(place()))? else {
            continue;
        };
        let (start, end) = info.data_offsets;
        let blob = data
            .get(start..end)
            .and_then(|bytes| Blob::plain(info.shape.clone(), encoding, bytes))
            .ok_or_else(|| {
                let expected = format!("numbers of shape {:?}", info.shape);
                Error::new(place(), expected, format!("bytes {start} to {end}"))
            })?;
        collector.insert(name, blob)?;
    }
    Ok(collector.finish())
}

/// Header and data: the header's length comes first, as a `u64`.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let (length, rest) = bytes.split_first_chunk().ok_or_else(|| {
        Error::new(
            "header",
            "its length in 8 bytes",
            format!("a file of {} bytes", bytes.len()),
        )
    })?;
    let length = u64::from_le_bytes(*length);
    usize::try_from(length)
        .ok()
        .filter(|&length| length <= MAX_HEADER)
        .and_then(|length| rest.split_at_checked(length))
        .ok_or_else(|| {
            let expected = format!("at most {} bytes", rest.len().min(MAX_HEADER));
            Error::new("header", expected, length.to_string())
        })
}

/// `None` for what cannot be a weight.
fn encoding(dtype: Dtype) -> Result<Option<Encoding>, Error> {
    use Dtype::{BF16, BOOL, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    match dtype {
        F16 => Ok(Some(Encoding::F16)),
        BF16 => Ok(Some(Encoding::Bf16)),
        F32 => Ok(Some(Encoding::F32)),
        F64 => Ok(Some(Encoding::F64)),
        BOOL | U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64 => Ok(None),
        other => Err(Error::new(
            "type",
            "F16, BF16, F32 or F64",
            format!("{other:?}"),
        )),
    }
}
