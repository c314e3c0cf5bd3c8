//! The samples' images as a part of the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _, ImageError};

use crate::Error;
use crate::grid::Images;

/// Qualities of JPEG, the best first.
const QUALITIES: [u8; 6] = [90, 80, 70, 55, 40, 25];

/// From how many images it is told whether all of them will fit.
const PROBES: usize = 12;

/// Images as `data:` addresses.
pub(super) struct Pictures {
    pub addresses: Vec<String>,
    /// Whether they are the images themselves, and not smaller or blurred.
    pub exact: bool,
}

/// An image on its way to the page: its bytes, planes of RGB or grey, and
/// `[c, h, w]`.
pub(super) type Picture = (Vec<u8>, [usize; 3]);

/// Encodes `n` images into at most `budget` bytes: exactly, as PNG, if they fit;
/// else as JPEG of the best quality that does; if none does, at half the size.
///
/// `image` is asked for each of them, and for some more than once: they need not
/// fit into memory together. The budget must have room for them as single
/// pixels.
///
/// # Errors
/// Those of `image`, and [`Error::Sampler`] for one that cannot be encoded.
pub(super) fn fit(
    n: usize,
    budget: usize,
    image: &dyn Fn(usize) -> Result<Picture, Error>,
) -> Result<Pictures, Error> {
    let png = |i| {
        let (bytes, shape) = image(i)?;
        let image = Images {
            bytes: &bytes,
            shape,
        };
        Ok(address("png", &image.png(0).map_err(unfit)?))
    };
    if let Some(addresses) = fitting(n, budget, &png)? {
        return Ok(Pictures {
            addresses,
            exact: true,
        });
    }
    let mut halvings = 0;
    loop {
        for quality in QUALITIES {
            let jpeg = |i| {
                let halved = |picture, _| half(&picture);
                let (bytes, shape) = (0..halvings).fold(image(i)?, halved);
                let image = Images {
                    bytes: &bytes,
                    shape,
                };
                Ok(address("jpeg", &jpeg(image, quality).map_err(unfit)?))
            };
            if let Some(addresses) = fitting(n, budget, &jpeg)? {
                return Ok(Pictures {
                    addresses,
                    exact: false,
                });
            }
        }
        halvings += 1;
    }
}

/// All `n` encoded images if they fit.
fn fitting(
    n: usize,
    budget: usize,
    encoded: &dyn Fn(usize) -> Result<String, Error>,
) -> Result<Option<Vec<String>>, Error> {
    let probes = n.min(PROBES);
    let mut probed = 0;
    for probe in 0..probes {
        probed += encoded(probe * n / probes)?.len();
    }
    if probed * n > budget * probes {
        return Ok(None);
    }
    let addresses = (0..n).map(encoded).collect::<Result<Vec<_>, _>>()?;
    let total: usize = addresses.iter().map(String::len).sum();
    Ok((total <= budget).then_some(addresses))
}

fn unfit(cause: ImageError) -> Error {
    Error::Sampler(format!("encoding an image of the report: {cause}"))
}

fn address(format: &str, bytes: &[u8]) -> String {
    format!("data:image/{format};base64,{}", STANDARD.encode(bytes))
}

fn jpeg(image: Images<'_>, quality: u8) -> Result<Vec<u8>, ImageError> {
    let [c, h, w] = image.shape;
    let colour = match c {
        1 => ExtendedColorType::L8,
        _ => ExtendedColorType::Rgb8,
    };
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality).write_image(
        &image.interleaved(0),
        w as u32,
        h as u32,
        colour,
    )?;
    Ok(jpeg)
}

/// The image at half the size: means of two by two pixels, of fewer at the
/// edges.
fn half((bytes, [c, h, w]): &Picture) -> Picture {
    let (c, h, w) = (*c, *h, *w);
    let mut out = Vec::with_capacity(c * h.div_ceil(2) * w.div_ceil(2));
    for plane in bytes.chunks_exact(h * w) {
        for y in (0..h).step_by(2) {
            for x in (0..w).step_by(2) {
                let rows = y..h.min(y + 2);
                let columns = x..w.min(x + 2);
                let number = (rows.len() * columns.len()) as u32;
                let sum: u32 = rows
                    .flat_map(|y| &plane[y * w..][columns.clone()])
                    .map(|&value| u32::from(value))
                    .sum();
                out.push(((sum + number / 2) / number) as u8);
            }
        }
    }
    (out, [c, h.div_ceil(2), w.div_ceil(2)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as good as random: nothing compresses them.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    fn one_of(bytes: &[u8], shape: [usize; 3]) -> impl Fn(usize) -> Result<Picture, Error> {
        let len = shape.iter().product();
        move |i| Ok((bytes[i * len..][..len].to_vec(), shape))
    }

    #[test]
    fn images_that_fit_are_exact() {
        let bytes = noise(3 * 3 * 5 * 4);
        let images = Images {
            bytes: &bytes,
            shape: [3, 5, 4],
        };
        let Pictures { addresses, exact } = fit(3, 10_000, &one_of(&bytes, [3, 5, 4])).unwrap();
        assert!(exact);
        let png = addresses[2].strip_prefix("data:image/png;base64,").unwrap();
        let image = image::load_from_memory(&STANDARD.decode(png).unwrap()).unwrap();
        assert_eq!(image.to_rgb8().into_raw(), images.interleaved(2));
    }

    #[test]
    fn others_are_made_to_fit() {
        let (n, side) = (9, 50);
        let bytes = noise(n * side * side);
        let mut sides = Vec::new();
        for budget in [30_000, 22_000, 12_000] {
            let Pictures { addresses, exact } =
                fit(n, budget, &one_of(&bytes, [1, side, side])).unwrap();
            assert!(!exact);
            assert!(addresses.iter().map(String::len).sum::<usize>() <= budget);
            let jpeg = addresses[n - 1]
                .strip_prefix("data:image/jpeg;base64,")
                .unwrap();
            let image = image::load_from_memory(&STANDARD.decode(jpeg).unwrap()).unwrap();
            sides.push(image.width());
        }
        assert_eq!(sides, [50, 50, 25]);
    }

    #[test]
    fn half_the_size_is_the_mean() {
        let picture = (vec![0, 10, 7, 20, 31, 8, 1, 2, 250], [1, 3, 3]);
        assert_eq!(half(&picture), (vec![15, 8, 2, 250], [1, 2, 2]));
    }
}
