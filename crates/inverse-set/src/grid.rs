//! Contact sheets, and the choice of what they show.

/// Images that lie one after the other, 8 bits a value, planes of RGB or grey.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// One image after the other.
    pub bytes: &'a [u8],
    /// `[c, h, w]` of one image; `c` is 1 or 3.
    pub shape: [usize; 3],
}

impl Images<'_> {
    fn pixel(&self, image: usize, channel: usize, y: usize, x: usize) -> u8 {
        let [c, h, w] = self.shape;
        self.bytes[((image * c + channel) * h + y) * w + x]
    }

    /// One image, the channels of a pixel side by side.
    pub(crate) fn interleaved(&self, image: usize) -> Vec<u8> {
        let [c, h, w] = self.shape;
        let mut interleaved = Vec::with_capacity(c * h * w);
        for y in 0..h {
            for x in 0..w {
                interleaved.extend((0..c).map(|channel| self.pixel(image, channel, y, x)));
            }
        }
        interleaved
    }

    /// PNG of one image.
    pub(crate) fn png(&self, image: usize) -> Result<Vec<u8>, image::ImageError> {
        let [c, h, w] = self.shape;
        encode(&self.interleaved(image), w, h, c)
    }
}

/// Most tiles of a contact sheet.
pub(crate) const MOST: usize = 100;
/// Tiles in a row of a contact sheet.
pub(crate) const COLUMNS: usize = 10;
/// Sides below this are drawn several times as large.
const LEAST_SIDE: usize = 64;
/// Pixels between tiles.
const GAP: usize = 4;
/// The grey between tiles.
pub(crate) const BACKGROUND: u8 = 255;

/// PNG of a contact sheet of the first `n` images, row by row.
pub(crate) fn contact_sheet(images: Images<'_>, n: usize) -> Result<Vec<u8>, image::ImageError> {
    sheet(images, n, n.clamp(1, COLUMNS))
}

/// PNG of the first `n` images, `columns` in a row; small images are drawn
/// several times as large.
///
/// # Errors
/// Those of the encoder, for a sheet that is too large.
pub fn sheet(images: Images<'_>, n: usize, columns: usize) -> Result<Vec<u8>, image::ImageError> {
    let [c, h, w] = images.shape;
    let zoom = LEAST_SIDE.div_ceil(h.max(w)).max(1);
    let rows = n.div_ceil(columns);
    let (tile_w, tile_h) = (w * zoom + GAP, h * zoom + GAP);
    let (width, height) = (columns * tile_w + GAP, rows * tile_h + GAP);
    let mut sheet = vec![BACKGROUND; width * height * c];
    for tile in 0..n {
        let (left, top) = (GAP + tile % columns * tile_w, GAP + tile / columns * tile_h);
        for y in 0..h * zoom {
            for x in 0..w * zoom {
                for channel in 0..c {
                    sheet[((top + y) * width + left + x) * c + channel] =
                        images.pixel(tile, channel, y / zoom, x / zoom);
                }
            }
        }
    }
    encode(&sheet, width, height, c)
}

/// Farthest-point selection among `[n, e]` encodings, as rows of them: the first,
/// then again and again the one farthest from all that were chosen, until there
/// are `most` (Gonzalez, "Clustering to minimize the maximum intercluster
/// distance", 1985).
pub fn representatives(encodings: &[f32], n: usize, most: usize) -> Vec<usize> {
    if n <= most {
        return (0..n).collect();
    }
    let row = encodings.len() / n;
    let mut nearest = vec![f64::INFINITY; n];
    let mut chosen = vec![0];
    while chosen.len() < most {
        let last = &encodings[chosen[chosen.len() - 1] * row..][..row];
        for (nearest, encoding) in nearest.iter_mut().zip(encodings.chunks_exact(row)) {
            *nearest = nearest.min(squared_distance(last, encoding));
        }
        let farthest = (0..n).max_by(|&a, &b| nearest[a].total_cmp(&nearest[b]).then(b.cmp(&a)));
        chosen.push(farthest.expect("there are samples"));
    }
    chosen
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

fn encode(
    bytes: &[u8],
    width: usize,
    height: usize,
    c: usize,
) -> Result<Vec<u8>, image::ImageError> {
    use image::ImageEncoder as _;
    let colour = match c {
        1 => image::ExtendedColorType::L8,
        _ => image::ExtendedColorType::Rgb8,
    };
    let mut png = Vec::new();
    image::codecs::png::PngEncoder::new(&mut png).write_image(
        bytes,
        width as u32,
        height as u32,
        colour,
    )?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn representatives_are_far_from_each_other() {
        let encodings = [0.0, 0.1, 5.0, 5.1, 9.0];
        assert_eq!(representatives(&encodings, 5, 3), [0, 4, 2]);
        assert_eq!(representatives(&encodings, 5, 9), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_sheet_shows_images_side_by_side() {
        let images = Images {
            bytes: &[10, 20],
            shape: [1, 1, 1],
        };
        let png = contact_sheet(images, 2).unwrap();
        let sheet = image::load_from_memory(&png).unwrap().to_luma8();
        assert_eq!(sheet.dimensions(), (2 * 68 + 4, 72));
        assert_eq!(sheet.get_pixel(4, 4).0, [10]);
        assert_eq!(sheet.get_pixel(4 + 68, 4).0, [20]);
        assert_eq!(sheet.get_pixel(0, 0).0, [BACKGROUND]);
    }
}
