//! Reference images: what samples are compared with.

use netfile::FileSource;
use safetensors::{Dtype, SafeTensors};

use crate::Error;
use crate::neuron::Shown;
use crate::page::thousands;

/// Most bytes of all images together, as the classifier takes them: small ones
/// become much larger.
const MOST: usize = 4 << 30;

/// Images of one shape in 8 bits, one after the other, planes of grey or RGB.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reference {
    /// `[n, c, h, w]`
    pub images: Vec<u8>,
    /// `[c, h, w]` of one image.
    pub shape: [usize; 3],
    /// SHA-256 of the file.
    pub sha256: String,
}

impl Reference {
    /// Reads the tensor `images` of a safetensors file, u8 `[n, h, w]` or
    /// `[n, c, h, w]`, and crops or pads every image around its centre to
    /// `shape`, `[c, h, w]`.
    ///
    /// # Errors
    /// [`Error::Request`] for a file that is missing or holds no such images, or
    /// more than 4 GiB of them.
    pub(crate) fn open(source: &FileSource, shape: [usize; 3]) -> Result<Reference, Error> {
        let complain = |what: String| {
            let path = source.path().display().to_string();
            Error::Request(format!("reading reference images {}: {what}", Shown(&path)))
        };
        let bytes = source.open().map_err(|cause| match cause {
            netfile::Error::Io { source, .. } => complain(source.to_string()),
            other => complain(other.to_string()),
        })?;
        let (images, stored) = images(&bytes).map_err(complain)?;
        if stored[0] != shape[0] {
            return Err(complain(format!(
                "found images of {} channels, expected {} as the classifier takes",
                stored[0], shape[0]
            )));
        }
        let pixels: usize = shape.iter().product();
        let count = images.len() / stored.iter().product::<usize>();
        if count > MOST / pixels {
            let most = MOST / pixels;
            return Err(complain(format!(
                "found {} images, expected at most {}, which take 4 GiB at the classifier's size",
                thousands(count as u64),
                thousands(most as u64)
            )));
        }
        Ok(Reference {
            images: fitted(images, stored, shape),
            shape,
            sha256: netfile::sha256(&bytes),
        })
    }

    /// Number of images.
    pub(crate) fn count(&self) -> usize {
        self.images.len() / self.pixels()
    }

    /// Numbers in an image.
    pub(crate) fn pixels(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The images of a file and the shape of one.
fn images(bytes: &[u8]) -> Result<(&[u8], [usize; 3]), String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|cause| format!("it is no safetensors file ({cause})"))?;
    let tensor = file
        .tensor("images")
        .map_err(|_| "it has no tensor named images".to_owned())?;
    let shape = match *tensor.shape() {
        [_, h, w] => Some([1, h, w]),
        [_, c, h, w] => Some([c, h, w]),
        _ => None,
    };
    let (dtype, found) = (tensor.dtype(), tensor.shape());
    match shape {
        Some(shape) if dtype == Dtype::U8 && !tensor.data().is_empty() => {
            Ok((tensor.data(), shape))
        }
        _ => Err(format!(
            "images: {dtype:?} {found:?}, expected U8 [n, h, w] or [n, c, h, w]"
        )),
    }
}

/// Images cropped or padded with zeros around their centre, from one
/// `[c, h, w]` to another with as many channels; of an odd difference the
/// smaller half lies before.
pub(crate) fn fitted(images: &[u8], from: [usize; 3], to: [usize; 3]) -> Vec<u8> {
    if from == to {
        return images.to_vec();
    }
    let [_, from_h, from_w] = from;
    let [_, to_h, to_w] = to;
    let planes = images.len() / (from_h * from_w);
    let mut out = vec![0; planes * to_h * to_w];
    let before =
        |from: usize, to: usize| (from.saturating_sub(to) / 2, to.saturating_sub(from) / 2);
    let (y_from, y_to) = before(from_h, to_h);
    let (x_from, x_to) = before(from_w, to_w);
    let width = from_w.min(to_w);
    for plane in 0..planes {
        for y in 0..from_h.min(to_h) {
            let source = (plane * from_h + y + y_from) * from_w + x_from;
            let target = (plane * to_h + y + y_to) * to_w + x_to;
            out[target..target + width].copy_from_slice(&images[source..source + width]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    fn file(dtype: Dtype, shape: &[usize], name: &str) -> tempfile::NamedTempFile {
        let bytes: Vec<u8> = (0..shape.iter().product::<usize>() * dtype.bitsize() / 8)
            .map(|i| i as u8)
            .collect();
        let view = TensorView::new(dtype, shape.to_vec(), &bytes).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            safetensors::serialize([(name, view)], None).unwrap(),
        )
        .unwrap();
        file
    }

    #[test]
    fn images_are_padded_and_cropped_around_their_centre() {
        let two = [1, 2, 3, 4];
        assert_eq!(
            fitted(&two, [1, 2, 2], [1, 3, 4]),
            [0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0]
        );
        let wide: Vec<u8> = (0..10).collect();
        assert_eq!(fitted(&wide, [1, 2, 5], [1, 1, 2]), [1, 2]);
        assert_eq!(fitted(&wide, [2, 1, 5], [2, 1, 3]), [1, 2, 3, 6, 7, 8]);
    }

    #[test]
    fn grey_images_may_lack_the_channel() {
        for shape in [&[3, 2, 2][..], &[3, 1, 2, 2]] {
            let file = file(Dtype::U8, shape, "images");
            let reference = Reference::open(&file.path().into(), [1, 2, 2]).unwrap();
            assert_eq!((reference.count(), reference.images[11]), (3, 11));
        }
    }

    #[test]
    fn more_images_than_fit_are_refused() {
        let file = file(Dtype::U8, &[2, 1, 1], "images");
        let error = Reference::open(&file.path().into(), [1, 1 << 16, 1 << 16]).unwrap_err();
        let complaint = "found 2 images, expected at most 1, which take 4 GiB";
        assert!(error.to_string().contains(complaint), "{error}");
    }

    #[test]
    fn files_without_images_are_refused_in_one_line() {
        for (dtype, shape, name, complaint) in [
            (
                Dtype::F32,
                &[1, 2, 2][..],
                "images",
                "images: F32 [1, 2, 2], expected U8",
            ),
            (Dtype::U8, &[4, 4], "images", "images: U8 [4, 4], expected"),
            (
                Dtype::U8,
                &[0, 2, 2],
                "images",
                "images: U8 [0, 2, 2], expected",
            ),
            (Dtype::U8, &[1, 2, 2], "pictures", "no tensor named images"),
            (Dtype::U8, &[1, 3, 2, 2], "images", "3 channels, expected 1"),
        ] {
            let file = file(dtype, shape, name);
            let error = Reference::open(&file.path().into(), [1, 2, 2]).unwrap_err();
            assert!(error.to_string().contains(complaint), "{error}");
            assert!(!error.to_string().contains('\n'));
        }
        let missing = Reference::open(&"no/such/file".into(), [1, 2, 2]).unwrap_err();
        assert!(matches!(missing, Error::Request(_)), "{missing}");
    }
}
