//! One picture of a user's, made an image of a classifier.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageBuffer, ImageDecoder, ImageReader, Limits, Pixel};

use crate::reference::fitted;

/// Most pixels of a picture.
const MOST_PIXELS: u64 = 64_000_000;

/// Most bytes of a picture, as a file and decoded: four for each pixel.
const MOST_BYTES: u64 = 4 * MOST_PIXELS;

/// Reads a PNG or JPEG file as planes of 8 bits of `shape`, `[c, h, w]`; `c` is
/// 1 for grey, 3 for RGB.
///
/// The picture is turned upright as its file says. One that is larger than the
/// image on both sides is shrunk until it just covers it; none is enlarged.
/// What then sticks out is cropped, and what is missing padded with black,
/// evenly on both sides. Transparency is ignored, and a JPEG file that ends too
/// early is read as far as it goes.
///
/// # Errors
/// What is wrong with the file, in words.
pub(crate) fn read(path: &Path, shape: [usize; 3]) -> Result<Vec<u8>, String> {
    let picture = decode(path)?;
    Ok(match shape[0] {
        1 => planes(&shrunk(&picture.into_luma8(), shape), shape),
        _ => planes(&shrunk(&picture.into_rgb8(), shape), shape),
    })
}

fn decode(path: &Path) -> Result<DynamicImage, String> {
    let in_words = |cause: image::ImageError| cause.to_string();
    let file = path.metadata().map_err(|cause| cause.to_string())?;
    if !file.is_file() {
        return Err("it is no file".into());
    }
    if file.len() > MOST_BYTES {
        return Err(format!(
            "{} bytes, expected at most {MOST_BYTES}",
            file.len()
        ));
    }
    let file = File::open(path).map_err(|cause| cause.to_string())?;
    let reader = ImageReader::new(BufReader::new(file))
        .with_guessed_format()
        .map_err(|cause| cause.to_string())?;
    let mut decoder = reader.into_decoder().map_err(in_words)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS || decoder.total_bytes() > MOST_BYTES {
        return Err(format!(
            "{width} x {height} pixels, expected at most {} million of 4 bytes",
            MOST_PIXELS / 1_000_000
        ));
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_BYTES);
    decoder.set_limits(limits).map_err(in_words)?;
    let orientation = decoder.orientation().map_err(in_words)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(in_words)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The picture as it is, or shrunk until it just covers the image.
fn shrunk<P: Pixel<Subpixel = u8> + 'static>(
    picture: &ImageBuffer<P, Vec<u8>>,
    [_, h, w]: [usize; 3],
) -> ImageBuffer<P, Vec<u8>> {
    let (width, height) = picture.dimensions();
    let share = (w as f64 / f64::from(width)).max(h as f64 / f64::from(height));
    if share >= 1.0 {
        return picture.clone();
    }
    let side =
        |side: u32, least: usize| ((f64::from(side) * share).round() as u32).max(least as u32);
    imageops::resize(
        picture,
        side(width, w),
        side(height, h),
        FilterType::Triangle,
    )
}

/// Planes, cropped or padded.
fn planes<P: Pixel<Subpixel = u8>>(
    picture: &ImageBuffer<P, Vec<u8>>,
    shape: [usize; 3],
) -> Vec<u8> {
    let [c, h, w] = [
        shape[0],
        picture.height() as usize,
        picture.width() as usize,
    ];
    let interleaved = picture.as_raw();
    let plane = |channel| interleaved.iter().skip(channel).step_by(c).copied();
    let planes: Vec<u8> = (0..c).flat_map(plane).collect();
    fitted(&planes, [c, h, w], shape)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    fn saved(
        picture: impl Into<DynamicImage>,
        name: &str,
    ) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        picture.into().save(&path).unwrap();
        (folder, path)
    }

    #[test]
    fn a_small_picture_is_padded_and_its_colours_are_planes() {
        let picture = RgbImage::from_fn(2, 1, |x, _| Rgb([10 + x as u8, 20, 30]));
        let (_folder, path) = saved(picture, "a.png");
        assert_eq!(
            read(&path, [3, 1, 4]).unwrap(),
            [0, 10, 11, 0, 0, 20, 20, 0, 0, 30, 30, 0]
        );
    }

    #[test]
    fn a_wide_picture_is_shrunk_to_cover_and_loses_its_ends() {
        let picture = GrayImage::from_fn(400, 100, |x, _| Luma([(x / 100 * 50) as u8]));
        let (_folder, path) = saved(picture, "a.png");
        let image = read(&path, [1, 10, 10]).unwrap();
        for row in image.chunks_exact(10) {
            assert_eq!((row[0], row[9]), (50, 100), "{row:?}");
        }
    }

    #[test]
    fn a_narrow_picture_is_cropped_on_one_side_and_padded_on_the_other() {
        let (_folder, path) = saved(GrayImage::from_pixel(2, 9, Luma([7])), "a.png");
        let row = [0, 7, 7, 0];
        assert_eq!(read(&path, [1, 2, 4]).unwrap(), [row, row].concat());
    }

    #[test]
    fn jpeg_files_are_read_whatever_they_are_called() {
        let (folder, path) = saved(GrayImage::from_pixel(8, 8, Luma([200])), "a.jpg");
        let other = folder.path().join("b.png");
        std::fs::rename(path, &other).unwrap();
        let image = read(&other, [1, 8, 8]).unwrap();
        assert!(
            image.iter().all(|&value| value.abs_diff(200) < 3),
            "{image:?}"
        );
    }

    #[test]
    fn what_is_no_picture_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let (_other, png) = saved(GrayImage::new(64, 64), "a.png");
        let png = std::fs::read(png).unwrap();
        let mut huge = png.clone();
        huge[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
        for (name, bytes, complaint) in [
            ("text.png", &b"no picture"[..], "format"),
            ("short.png", &png[..png.len() / 2], ""),
            ("huge.png", &huge, ""),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let error = read(&path, [1, 8, 8]).unwrap_err();
            assert!(error.contains(complaint), "{name}: {error}");
        }
        assert_eq!(read(folder.path(), [1, 8, 8]).unwrap_err(), "it is no file");
    }
}
