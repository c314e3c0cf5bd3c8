//! The sampler's state as a safetensors file: every array is a tensor, so that
//! no number passes through decimal.

use std::collections::{BTreeMap, HashMap};

use bytemuck::Pod;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sampler::Flat;
use serde_json::from_str;

const COUNTS: &str = "counts";

/// The file's bytes.
pub(crate) fn to_bytes(flat: &Flat) -> Vec<u8> {
    let mut tensors = Vec::new();
    collect(&mut tensors, Dtype::F32, &flat.f32s);
    collect(&mut tensors, Dtype::F64, &flat.f64s);
    collect(&mut tensors, Dtype::U64, &flat.u64s);
    let counts = serde_json::to_string(&flat.counts).expect("counters are plain");
    let metadata = HashMap::from([(COUNTS.to_owned(), counts)]);
    safetensors::serialize(tensors, Some(metadata)).expect("array names are distinct")
}

fn collect<'a, T: Pod>(
    tensors: &mut Vec<(&'a str, TensorView<'a>)>,
    dtype: Dtype,
    arrays: &'a BTreeMap<String, Vec<T>>,
) {
    for (name, array) in arrays {
        let view = TensorView::new(dtype, vec![array.len()], bytemuck::cast_slice(array))
            .expect("an array is a vector");
        tensors.push((name, view));
    }
}

/// Reads what [`to_bytes`] made; the error says what is damaged.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Flat, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|cause| cause.to_string())?;
    let file = SafeTensors::deserialize(bytes).map_err(|cause| cause.to_string())?;
    let counts = header
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(COUNTS));
    let counts = counts.ok_or("it has no counters")?;
    let mut flat = Flat {
        counts: from_str(counts).map_err(|cause| cause.to_string())?,
        ..Flat::default()
    };
    for (name, tensor) in file.tensors() {
        let data = tensor.data();
        match tensor.dtype() {
            Dtype::F32 => drop(flat.f32s.insert(name, values(data, f32::from_le_bytes))),
            Dtype::F64 => drop(flat.f64s.insert(name, values(data, f64::from_le_bytes))),
            Dtype::U64 => drop(flat.u64s.insert(name, values(data, u64::from_le_bytes))),
            other => return Err(format!("array {name} has the unknown type {other:?}")),
        }
    }
    Ok(flat)
}

fn values<T, const N: usize>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    let number = |chunk: &[u8]| read(chunk.try_into().expect("whole numbers"));
    bytes.chunks_exact(N).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives() {
        let mut flat = Flat::default();
        flat.counts.accepted = 7;
        flat.f32s
            .insert("codes".into(), vec![1.5, f32::MIN_POSITIVE]);
        flat.f64s.insert("mean".into(), vec![0.1, 1e300]);
        flat.u64s.insert("seen".into(), vec![u64::MAX]);
        flat.u64s.insert("none".into(), vec![]);
        assert_eq!(from_bytes(&to_bytes(&flat)).unwrap(), flat);
        assert!(from_bytes(&to_bytes(&flat)[1..]).is_err());
    }
}
