//! The pixel encoding of a network of Caffe.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use caffemodel::Net;
use netfile::{Channels, Dtype, ImageEncoding};

use super::input;
use super::tensors::{Converted, Values};

/// Grey levels of a full pixel, as Caffe counts them.
const FULL: f32 = 255.0;

/// ImageNet's mean of each channel, blue first, to which the mean image of
/// Caffe's models is rounded.
const IMAGENET_MEAN: [f32; 3] = [104.0, 117.0, 123.0];

/// `--image ORDER,MEAN,...`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pixels {
    channels: Channels,
    mean: Vec<f32>,
}

impl Pixels {
    /// ImageNet's pictures, as CaffeNet and its generators take and make them.
    pub(super) fn imagenet() -> Pixels {
        Pixels {
            channels: Channels::Bgr,
            mean: IMAGENET_MEAN.into(),
        }
    }

    /// The encoding in which pixels of 0 to 255 lose their mean.
    pub(super) fn encoding(&self) -> ImageEncoding {
        ImageEncoding {
            channels: self.channels,
            scale: FULL,
            mean: self.mean.clone(),
            std: vec![1.0; self.channels.count()],
        }
    }
}

impl FromStr for Pixels {
    type Err = String;

    fn from_str(text: &str) -> Result<Pixels, String> {
        let (order, means) = text.split_once(',').unwrap_or((text, ""));
        let channels = match order {
            "bgr" => Channels::Bgr,
            "rgb" => Channels::Rgb,
            "grey" | "gray" => Channels::Grey,
            _ => return Err(format!("expected bgr, rgb or grey first, found {order:?}")),
        };
        let count = channels.count();
        let mean = match means {
            "" => vec![0.0; count],
            means => means
                .split(',')
                .map(|mean| {
                    mean.trim()
                        .parse()
                        .map_err(|_| format!("{mean:?} is no number"))
                })
                .collect::<Result<Vec<f32>, String>>()?,
        };
        if mean.len() != count || mean.iter().any(|mean| !mean.is_finite()) {
            return Err(format!("expected {count} means after {order}"));
        }
        Ok(Pixels { channels, mean })
    }
}

/// The encoding that the net's data layer tells; else pictures of three
/// channels as ImageNet's, pictures of one channel in levels of grey, and
/// none for anything else.
pub(super) fn told(net: &Net, input: &netfile::Input) -> Result<Option<ImageEncoding>> {
    let mut encoding = match input.shape[..] {
        [3, _, _] => Pixels::imagenet().encoding(),
        [1, _, _] => Pixels::from_str("grey")
            .expect("no means are zeros")
            .encoding(),
        _ => return Ok(None),
    };
    let Some(layer) = input::source(net, &input.name) else {
        return Ok(Some(encoding));
    };
    let told = layer
        .transformation()
        .with_context(|| format!("layer {} ({})", layer.name, layer.kind))?;
    let channels = encoding.channels.count();
    match told.mean_values[..] {
        [] => (),
        [mean] => encoding.mean = vec![mean; channels],
        ref means => {
            ensure!(
                means.len() == channels,
                "layer {}: expected {channels} mean values, found {}",
                layer.name,
                means.len()
            );
            encoding.mean = means.to_vec();
        }
    }
    // Caffe multiplies after taking the mean off, we divide.
    if told.scale != 0.0 {
        encoding.std = vec![1.0 / told.scale; channels];
    }
    Ok(Some(encoding))
}

/// The middle of a mean image, a `.binaryproto` or `.npy` of channels, height
/// and width, as the tensor that replaces the means.
pub(super) fn mean_image(path: &Path, input: &[usize]) -> Result<Converted<'static>> {
    let reading = || format!("reading the mean image {}", path.display());
    let map = netfile::map_file(path)?;
    let (shape, values) = if map.starts_with(b"\x93NUMPY") {
        npy(&map).with_context(reading)?
    } else {
        let blob = caffemodel::read_mean(&map).with_context(reading)?;
        (blob.shape().to_vec(), blob.to_floats())
    };
    let [.., c, h, w] = shape[..] else {
        anyhow::bail!(
            "{}: expected channels, height and width, found shape {shape:?}",
            reading()
        );
    };
    let middle = cut(&values, [c, h, w], input).with_context(|| {
        format!(
            "{}: expected {input:?} or a larger plane, found shape {shape:?}",
            reading()
        )
    })?;
    Ok(Converted::new(
        ImageEncoding::MEAN_TENSOR.into(),
        Dtype::F32,
        input.into(),
        Values::Owned(middle),
    ))
}

fn npy(bytes: &[u8]) -> Result<(Vec<usize>, Vec<f32>)> {
    let file = npyz::NpyFile::new(bytes)?;
    ensure!(
        file.order() == npyz::Order::C,
        "expected an array in C order, found Fortran's"
    );
    let shape = file.shape().iter().map(|&size| size as usize).collect();
    let values = match file.try_data::<f32>() {
        Ok(values) => values.collect::<Result<_, _>>()?,
        Err(file) => {
            let values = file.data::<f64>()?;
            values
                .map(|value| Ok(value? as f32))
                .collect::<Result<_>>()?
        }
    };
    Ok((shape, values))
}

/// The central window; none where the array is smaller or of another kind.
fn cut(values: &[f32], [c, h, w]: [usize; 3], input: &[usize]) -> Option<Vec<f32>> {
    let &[channels, height, width] = input else {
        return None;
    };
    if c != channels || h < height || w < width || values.len() != c * h * w {
        return None;
    }
    let (top, left) = ((h - height) / 2, (w - width) / 2);
    let mut middle = Vec::with_capacity(c * height * width);
    for plane in values.chunks(h * w) {
        for row in plane.chunks(w).skip(top).take(height) {
            middle.extend(&row[left..left + width]);
        }
    }
    Some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_parsed() {
        let parsed = |text: &str| text.parse::<Pixels>();
        assert_eq!(parsed("bgr,104,117,123"), Ok(Pixels::imagenet()));
        assert_eq!(parsed("grey").unwrap().mean, [0.0]);
        assert_eq!(parsed("gray,33.5").unwrap().channels, Channels::Grey);
        for text in [
            "",
            "bgr,104",
            "rgb,1,2,3,4",
            "hsv,1,2,3",
            "bgr,a,b,c",
            "rgb,1,2,inf",
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_middle_is_cut_out() {
        let values: Vec<f32> = (0..2 * 4 * 3).map(|v| v as f32).collect();
        let middle = cut(&values, [2, 4, 3], &[2, 2, 1]);
        assert_eq!(middle, Some(vec![4.0, 7.0, 16.0, 19.0]));
        assert_eq!(cut(&values, [2, 4, 3], &[2, 5, 3]), None);
        assert_eq!(cut(&values, [2, 4, 3], &[1, 4, 3]), None);
    }
}
