//! What PyTorch computed: `reference.safetensors` of
//! `tests/full_size/make_reference.py`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::{Dtype, SafeTensors};

/// The unit of fc8 in the loss.
pub(super) const UNIT: usize = 980;
/// Numbers of one code.
pub(super) const CODE: usize = 4096;

/// The file's bytes.
pub(super) struct Reference(Vec<u8>);

impl Reference {
    pub(super) fn open(path: &Path) -> Result<Reference> {
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Reference(bytes))
    }

    /// A tensor of single precision.
    pub(super) fn floats(&self, name: &str) -> Result<Vec<f32>> {
        self.numbers(name, Dtype::F32, f32::from_le_bytes)
    }

    /// A tensor of double precision.
    pub(super) fn doubles(&self, name: &str) -> Result<Vec<f64>> {
        self.numbers(name, Dtype::F64, f64::from_le_bytes)
    }

    fn numbers<T, const N: usize>(
        &self,
        name: &str,
        dtype: Dtype,
        number: fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        let reading = || format!("reading {name} of the reference");
        let file = SafeTensors::deserialize(&self.0).with_context(reading)?;
        let tensor = file.tensor(name).with_context(reading)?;
        let found = tensor.dtype();
        ensure!(
            found == dtype,
            "{}: expected {dtype}, found {found}",
            reading()
        );
        let (numbers, _) = tensor.data().as_chunks::<N>();
        Ok(numbers.iter().copied().map(number).collect())
    }
}
