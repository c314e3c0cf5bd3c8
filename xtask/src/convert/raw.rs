//! State dicts as the training script writes them: plain safetensors files of
//! single precision.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use netfile::{Dtype, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

/// The tensors of one file, each to be taken once.
pub(super) struct Raw {
    path: PathBuf,
    sha256: String,
    tensors: BTreeMap<String, Values>,
}

/// One tensor, row-major.
pub(super) struct Values {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Raw {
    /// Reads a file of which every tensor is F32.
    pub(super) fn open(path: &Path) -> Result<Raw> {
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let file = SafeTensors::deserialize(&bytes)
            .with_context(|| format!("reading {}", path.display()))?;
        let tensors = file
            .iter()
            .map(|(name, view)| {
                let values =
                    floats(&view).with_context(|| format!("{}: tensor {name}", path.display()))?;
                Ok((name.to_owned(), values))
            })
            .collect::<Result<_>>()?;
        Ok(Raw {
            path: path.to_owned(),
            sha256: netfile::sha256(&bytes),
            tensors,
        })
    }

    /// SHA-256 of the file in hexadecimal.
    pub(super) fn sha256(&self) -> String {
        self.sha256.clone()
    }

    /// Whether a tensor is there and has not been taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The names that are left, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    /// The outermost size of a tensor; 1 of a lone number.
    pub(super) fn outermost(&self, name: &str) -> Result<usize> {
        let tensor = self.tensors.get(name).with_context(|| self.lacks(name))?;
        Ok(tensor.shape.first().copied().unwrap_or(1))
    }

    /// Takes a tensor of any shape.
    pub(super) fn take(&mut self, name: &str) -> Result<Values> {
        let tensor = self.tensors.remove(name);
        tensor.with_context(|| self.lacks(name))
    }

    /// Takes a tensor as it is, under another name.
    pub(super) fn take_as(&mut self, name: &str, new: &str, dtype: Dtype) -> Result<TensorData> {
        let Values { shape, values } = self.take(name)?;
        Ok(TensorData {
            name: new.into(),
            dtype,
            shape,
            values,
        })
    }

    fn lacks(&self, name: &str) -> String {
        format!(
            "{}: expected a tensor {name}, found none",
            self.path.display()
        )
    }

    /// Fails if tensors are left that nobody asked for.
    pub(super) fn finish(self) -> Result<()> {
        if self.tensors.is_empty() {
            return Ok(());
        }
        bail!(
            "{}: expected no other tensors, found {}",
            self.path.display(),
            self.names().join(", ")
        )
    }
}

fn floats(view: &TensorView<'_>) -> Result<Values> {
    ensure!(
        view.dtype() == safetensors::Dtype::F32,
        "expected values of type F32, found {}",
        view.dtype()
    );
    let (words, _) = view.data().as_chunks();
    Ok(Values {
        shape: view.shape().into(),
        values: words.iter().map(|&word| f32::from_le_bytes(word)).collect(),
    })
}
