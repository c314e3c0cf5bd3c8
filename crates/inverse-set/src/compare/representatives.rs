//! Some images of every method, as they are kept beside the figures.

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::set::ImageSet;
use crate::Error;
use crate::grid::{COLUMNS, representatives};

/// Images of one neuron, in the order of the methods that found them: at most
/// ten of each, far from each other, from the run of the first seed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Representatives {
    /// Per image the place of its method.
    pub methods: Vec<u32>,
    /// `[n, c, h, w]`, 8 bits.
    pub images: Vec<u8>,
    /// `[n, e]`
    pub encodings: Vec<f32>,
}

impl Representatives {
    /// Those of one set for each method.
    pub(crate) fn of(sets: &[ImageSet]) -> Representatives {
        let mut all = Representatives::default();
        for (method, set) in sets.iter().enumerate() {
            let chosen = representatives(&set.encodings, set.count, COLUMNS);
            let mut chosen = set.only(&chosen);
            let methods = std::iter::repeat_n(method as u32, chosen.count);
            all.methods.extend(methods);
            all.images.append(&mut chosen.images);
            all.encodings.append(&mut chosen.encodings);
        }
        all
    }

    /// The images of one method.
    pub(crate) fn of_method(&self, method: usize) -> Vec<u8> {
        let len = self.images.len().checked_div(self.methods.len());
        let images = self.images.chunks_exact(len.unwrap_or(1).max(1));
        let of =
            |(image, &other): (&[u8], &u32)| (other as usize == method).then(|| image.to_vec());
        images
            .zip(&self.methods)
            .filter_map(of)
            .collect::<Vec<_>>()
            .concat()
    }

    /// A safetensors file: `images` u8 `[n, c, h, w]`, `encodings` f32 `[n, e]`
    /// and `methods` u32 `[n]`.
    pub(crate) fn to_bytes(&self, [c, h, w]: [usize; 3]) -> Vec<u8> {
        let n = self.methods.len();
        let e = self.encodings.len().checked_div(n).unwrap_or(0);
        let little =
            |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_le_bytes()).collect() };
        let methods = little(&self.methods);
        let encodings: Vec<u32> = self.encodings.iter().map(|x| x.to_bits()).collect();
        let encodings = little(&encodings);
        let view = |dtype, shape, bytes| {
            TensorView::new(dtype, shape, bytes).expect("shapes are those of the vectors")
        };
        let tensors = [
            ("encodings", view(Dtype::F32, vec![n, e], &encodings)),
            ("images", view(Dtype::U8, vec![n, c, h, w], &self.images)),
            ("methods", view(Dtype::U32, vec![n], &methods)),
        ];
        safetensors::serialize(tensors, None).expect("views are whole")
    }

    /// Reads such a file of images of `shape` and checks it.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read, [`Error::Directory`] where it is
    /// damaged.
    pub(crate) fn read(path: &Path, shape: [usize; 3]) -> Result<Representatives, Error> {
        let file = netfile::map_file(path).map_err(|cause| Error::from_read(path, cause))?;
        parsed(&file, shape).map_err(|cause| Error::Directory {
            path: path.to_owned(),
            cause: format!("is damaged ({cause}); remove the directory and compare again"),
        })
    }
}

fn parsed(file: &[u8], [c, h, w]: [usize; 3]) -> Result<Representatives, String> {
    let tensors = SafeTensors::deserialize(file).map_err(|cause| cause.to_string())?;
    let tensor = |name, dtype| {
        let tensor = tensors.tensor(name).map_err(|cause| cause.to_string())?;
        match tensor.dtype() == dtype {
            true => Ok(tensor),
            false => Err(format!("{name} of {:?}", tensor.dtype())),
        }
    };
    let words = |bytes: &[u8]| -> Vec<u32> {
        let words = bytes.as_chunks::<4>().0.iter();
        words.map(|&word| u32::from_le_bytes(word)).collect()
    };
    let images = tensor("images", Dtype::U8)?;
    let methods = words(tensor("methods", Dtype::U32)?.data());
    let encodings = tensor("encodings", Dtype::F32)?;
    let n = methods.len();
    if images.shape() != [n, c, h, w] {
        return Err(format!("images {:?}", images.shape()));
    }
    let encodings: Vec<f32> = match encodings.shape() {
        [rows, _] if *rows == n => words(encodings.data()),
        other => return Err(format!("encodings {other:?}")),
    }
    .into_iter()
    .map(f32::from_bits)
    .collect();
    if !encodings.iter().all(|number| number.is_finite()) {
        return Err("numbers that are not finite".to_owned());
    }
    Ok(Representatives {
        methods,
        images: images.data().to_vec(),
        encodings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Representatives {
        Representatives {
            methods: vec![0, 0, 2],
            images: vec![1, 2, 3, 4, 5, 6],
            encodings: vec![0.5, -1.0, 2.0],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, some().to_bytes([2, 1, 1])).unwrap();
        let read = Representatives::read(&path, [2, 1, 1]).unwrap();
        assert_eq!(read, some());
        assert_eq!(read.of_method(0), [1, 2, 3, 4]);
        assert_eq!(read.of_method(1), [0_u8; 0]);
        let other = Representatives::read(&path, [1, 2, 1]).unwrap_err();
        assert!(other.to_string().contains("images [3, 2, 1, 1]"), "{other}");
    }

    #[test]
    fn damage_is_told() {
        let whole = some().to_bytes([2, 1, 1]);
        assert!(parsed(&whole[..whole.len() - 1], [2, 1, 1]).is_err());
        let broken = Representatives {
            encodings: vec![f32::NAN; 3],
            ..some()
        };
        let cause = parsed(&broken.to_bytes([2, 1, 1]), [2, 1, 1]).unwrap_err();
        assert!(cause.contains("not finite"), "{cause}");
    }
}
