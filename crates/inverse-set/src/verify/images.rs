//! The images of a finished run: read as they were saved, or made again.

use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;

use engine::Clamp;
use image::codecs::png::PngDecoder;
use image::{ColorType, ImageDecoder as _};

use super::{BATCH, FinishedRun};
use crate::Error;
use crate::directory::{ImageNames, SAMPLES_FILE};
use crate::pair::Pair;
use crate::record::StoredImages;
use crate::samples::{Column, Rows};
use crate::source::{Source, code_len};

/// Where images come from.
pub(super) struct Images<'a> {
    run: &'a FinishedRun,
    stored: &'a Rows,
    /// Where images are not stored.
    source: Option<Source>,
    /// What may explain an image that differs.
    note: String,
}

impl<'a> Images<'a> {
    pub(super) fn new(
        run: &'a FinishedRun,
        pair: &Pair,
        stored: &'a Rows,
    ) -> Result<Images<'a>, Error> {
        let (mut source, mut note) = (None, String::new());
        if run.record.images == StoredImages::None {
            if run.record.generator.is_some() && pair.generator.is_none() {
                return Err(Error::Request(
                    "verifying a run that stores no images: name its generator, which makes them again".into(),
                ));
            }
            let (found, expected) = (stored.sizes().code, code_len(pair));
            if found != expected {
                let cause = format!("codes of {found} numbers, expected {expected}");
                return Err(run.files.damaged(SAMPLES_FILE, &cause));
            }
            // Nothing is pulled back, so that any clamp does.
            source = Some(Source::new(pair, BATCH, Clamp::default())?);
            let here = pair.classifier.network.device().instruction_set();
            let there = &run.record.instruction_set;
            if here != there {
                note = format!(", as made again with {here}; the run was made with {there}");
            }
        }
        Ok(Images {
            run,
            stored,
            source,
            note,
        })
    }

    /// What may explain an image that differs; empty where nothing does.
    pub(super) fn note(&self) -> &str {
        &self.note
    }

    /// Some images in planes of 8 bits, at most [`BATCH`], or what is wrong with
    /// them.
    pub(super) fn read(
        &mut self,
        chosen: Range<usize>,
    ) -> Result<Vec<Result<Vec<u8>, String>>, Error> {
        let stored = self.stored;
        if self.source.is_some() {
            return self.made_again(chosen);
        }
        let names = ImageNames::new(stored.count());
        Ok(chosen
            .map(|i| match self.run.record.images {
                StoredImages::Png => {
                    let file = self.run.path.join(names.name(i));
                    read_png(&file, stored.sizes().image)
                }
                _ => Ok(stored.row(Column::Images, i).to_vec()),
            })
            .collect())
    }

    fn made_again(&mut self, chosen: Range<usize>) -> Result<Vec<Result<Vec<u8>, String>>, Error> {
        let source = self.source.as_mut().expect("images are not stored");
        let n = chosen.len();
        let codes = chosen.flat_map(|i| self.stored.floats(Column::Codes, i));
        let bytes = source.images(&codes.collect(), n)?;
        Ok(bytes
            .chunks_exact(bytes.len() / n)
            .map(|image| Ok(image.to_vec()))
            .collect())
    }
}

/// Reads a PNG file as planes of exactly this shape, `[c, h, w]`; `c` is 1 for
/// grey, 3 for RGB, both in 8 bits. The error says what is wrong with it.
fn read_png(path: &Path, shape: [usize; 3]) -> Result<Vec<u8>, String> {
    let unreadable = |cause: &dyn std::fmt::Display| format!("cannot be read: {cause}");
    // Asked before opening, because opening a named pipe would wait.
    let metadata = path.metadata().map_err(|cause| unreadable(&cause))?;
    if !metadata.is_file() {
        return Err(unreadable(&"not a regular file"));
    }
    let file = File::open(path).map_err(|cause| unreadable(&cause))?;
    let decoder = PngDecoder::new(BufReader::new(file)).map_err(|cause| unreadable(&cause))?;
    let [c, h, w] = shape;
    let (width, height) = decoder.dimensions();
    let colour = match c {
        1 => ColorType::L8,
        _ => ColorType::Rgb8,
    };
    let found = (decoder.color_type(), height as usize, width as usize);
    if found != (colour, h, w) {
        let (found, height, width) = found;
        return Err(format!(
            "is {found:?} of {height} x {width} pixels, expected {colour:?} of {h} x {w}"
        ));
    }
    let mut interleaved = vec![0; c * h * w];
    decoder
        .read_image(&mut interleaved)
        .map_err(|cause| unreadable(&cause))?;
    let plane = |channel| interleaved.iter().skip(channel).step_by(c).copied();
    Ok((0..c).flat_map(plane).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid;

    #[test]
    fn an_image_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        for shape in [[1, 2, 3], [3, 2, 3]] {
            let bytes: Vec<u8> = (0..shape.iter().product::<usize>() as u8).collect();
            let images = grid::Images {
                bytes: &bytes,
                shape,
            };
            std::fs::write(&path, images.png(0).unwrap()).unwrap();
            assert_eq!(read_png(&path, shape).unwrap(), bytes);
            for (other, complaint) in [
                ([shape[0], 3, 2], "of 2 x 3 pixels, expected"),
                ([4 - shape[0], 2, 3], "is "),
            ] {
                let error = read_png(&path, other).unwrap_err();
                assert!(error.contains(complaint), "{error}");
            }
        }
    }

    #[test]
    fn what_is_no_whole_image_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let images = grid::Images {
            bytes: &[7; 64],
            shape: [1, 8, 8],
        };
        let png = images.png(0).unwrap();
        for bytes in [&b""[..], b"no picture", &png[..png.len() / 2]] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_png(&path, [1, 8, 8]).unwrap_err();
            assert!(error.starts_with("cannot be read: "), "{error}");
        }
        let error = read_png(folder.path(), [1, 8, 8]).unwrap_err();
        assert!(error.contains("not a regular file"), "{error}");
    }
}
