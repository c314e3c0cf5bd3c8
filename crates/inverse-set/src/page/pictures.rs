//! The samples' images as a part of the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _, ImageError};

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

/// Encodes `n` images into at most `budget` bytes: exactly, as PNG, if they fit;
/// else as JPEG of the best quality that does; if none does, at half the size.
pub(super) fn fit(images: Images<'_>, n: usize, budget: usize) -> Result<Pictures, ImageError> {
    let png = |i| Ok(address("png", &images.png(i)?));
    if let Some(addresses) = fitting(n, budget, &png)? {
        return Ok(Pictures {
            addresses,
            exact: true,
        });
    }
    let mut size = images.shape;
    let mut halved;
    let mut bytes = images.bytes;
    loop {
        let images = Images { bytes, shape: size };
        for quality in QUALITIES {
            let jpeg = |i| Ok(address("jpeg", &jpeg(images, i, quality)?));
            if let Some(addresses) = fitting(n, budget, &jpeg)? {
                return Ok(Pictures {
                    addresses,
                    exact: false,
                });
            }
        }
        halved = half(images, n);
        size = [size[0], size[1].div_ceil(2), size[2].div_ceil(2)];
        bytes = &halved;
    }
}

/// All `n` encoded images if they fit.
fn fitting(
    n: usize,
    budget: usize,
    encoded: &dyn Fn(usize) -> Result<String, ImageError>,
) -> Result<Option<Vec<String>>, ImageError> {
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

fn address(format: &str, bytes: &[u8]) -> String {
    format!("data:image/{format};base64,{}", STANDARD.encode(bytes))
}

fn jpeg(images: Images<'_>, i: usize, quality: u8) -> Result<Vec<u8>, ImageError> {
    let [c, h, w] = images.shape;
    let colour = match c {
        1 => ExtendedColorType::L8,
        _ => ExtendedColorType::Rgb8,
    };
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality).write_image(
        &images.interleaved(i),
        w as u32,
        h as u32,
        colour,
    )?;
    Ok(jpeg)
}

/// The images at half the size: means of two by two pixels, of fewer at the
/// edges.
fn half(images: Images<'_>, n: usize) -> Vec<u8> {
    let [c, h, w] = images.shape;
    let mut out = Vec::with_capacity(n * c * h.div_ceil(2) * w.div_ceil(2));
    for plane in images.bytes.chunks_exact(h * w).take(n * c) {
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
    out
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

    #[test]
    fn images_that_fit_are_exact() {
        let bytes = noise(3 * 3 * 5 * 4);
        let images = Images {
            bytes: &bytes,
            shape: [3, 5, 4],
        };
        let Pictures { addresses, exact } = fit(images, 3, 10_000).unwrap();
        assert!(exact);
        let png = addresses[2].strip_prefix("data:image/png;base64,").unwrap();
        let image = image::load_from_memory(&STANDARD.decode(png).unwrap()).unwrap();
        assert_eq!(image.to_rgb8().into_raw(), images.interleaved(2));
    }

    #[test]
    fn others_are_made_to_fit() {
        let (n, side) = (9, 50);
        let bytes = noise(n * side * side);
        let images = Images {
            bytes: &bytes,
            shape: [1, side, side],
        };
        let mut sides = Vec::new();
        for budget in [30_000, 22_000, 12_000] {
            let Pictures { addresses, exact } = fit(images, n, budget).unwrap();
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
        let images = Images {
            bytes: &[0, 10, 7, 20, 31, 8, 1, 2, 250],
            shape: [1, 3, 3],
        };
        assert_eq!(half(images, 1), [15, 8, 2, 250]);
    }
}
