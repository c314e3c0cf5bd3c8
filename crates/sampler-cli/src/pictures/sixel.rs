//! DEC's sixels: strips of six rows, colour by colour.
//!
//! A character from `?` on has six bits, one for each pixel of a column, the
//! lowest on top; `!N` repeats it, `$` goes back to the strip's beginning and
//! `-` on to the next (VT330/VT340 Programmer Reference Manual, volume 2,
//! chapter 14).

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use color_quant::NeuQuant;
use image::{Rgb, RgbImage};

/// Most colours that every terminal with sixels has.
const MOST_COLOURS: usize = 256;

/// NeuQuant looks at every so many pixels; its authors call 10 a good balance
/// of speed and quality.
const SAMPLING: i32 = 10;

/// Rows of a strip.
const STRIP: u32 = 6;

/// The escape sequence of a picture, of the nearest colours where it has more
/// than 256.
pub(super) fn encode(picture: &RgbImage) -> String {
    let (width, height) = picture.dimensions();
    let (palette, numbers) = colours(picture);
    let mut text = format!("\x1bP0;1q\"1;1;{width};{height}");
    for (number, colour) in palette.iter().enumerate() {
        let [r, g, b] = colour.map(|channel| (u32::from(channel) * 100 + 127) / 255);
        let _ = write!(text, "#{number};2;{r};{g};{b}");
    }
    for top in (0..height).step_by(STRIP as usize) {
        // Per colour of the strip, the bits of every column.
        let mut strip: HashMap<usize, Vec<u8>> = HashMap::new();
        for y in top..height.min(top + STRIP) {
            for x in 0..width {
                let number = numbers[&picture.get_pixel(x, y).0];
                let bits = strip
                    .entry(number)
                    .or_insert_with(|| vec![0; width as usize]);
                bits[x as usize] |= 1 << (y - top);
            }
        }
        let mut strip: Vec<(usize, Vec<u8>)> = strip.into_iter().collect();
        strip.sort_unstable();
        for (number, bits) in strip {
            let _ = write!(text, "#{number}");
            for run in bits.chunk_by(|a, b| a == b) {
                let character = char::from(b'?' + run[0]);
                let _ = write!(text, "!{}{character}", run.len());
            }
            text.push('$');
        }
        text.push('-');
    }
    text + "\x1b\\"
}

/// A palette, and the number in it of every colour of a picture.
fn colours(picture: &RgbImage) -> (Vec<[u8; 3]>, HashMap<[u8; 3], usize>) {
    let all: BTreeSet<[u8; 3]> = picture.pixels().map(|&Rgb(colour)| colour).collect();
    let all: Vec<[u8; 3]> = all.into_iter().collect();
    if all.len() <= MOST_COLOURS {
        let numbers = all.iter().enumerate();
        let numbers = numbers.map(|(number, &colour)| (colour, number)).collect();
        return (all, numbers);
    }
    let opaque = |[r, g, b]: [u8; 3]| [r, g, b, u8::MAX];
    let pixels: Vec<u8> = picture.pixels().flat_map(|&Rgb(c)| opaque(c)).collect();
    let quantised = NeuQuant::new(SAMPLING, MOST_COLOURS, &pixels);
    let palette = quantised.color_map_rgb();
    let palette = palette.chunks_exact(3).map(|c| [c[0], c[1], c[2]]);
    let number = |&colour: &[u8; 3]| (colour, quantised.index_of(&opaque(colour)));
    (palette.collect(), all.iter().map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a terminal draws; a pixel that is drawn twice or never is a failure.
    fn decode(text: &str) -> RgbImage {
        let text = text.strip_prefix("\x1bP0;1q\"1;1;").unwrap();
        let text = text.strip_suffix("\x1b\\").unwrap();
        let (size, mut rest) = text.split_at(text.find('#').unwrap());
        let (width, height) = size.split_once(';').unwrap();
        let [width, height] = [width, height].map(|side| side.parse().unwrap());
        let mut drawn = vec![None; (width * height) as usize];
        let mut palette = HashMap::new();
        let [mut x, mut top, mut colour] = [0; 3];
        while let Some(kind) = rest.chars().next() {
            rest = &rest[1..];
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';');
            let (parameters, after) = rest.split_at(end.unwrap_or(rest.len()));
            let parameters = parameters.split(';').filter(|number| !number.is_empty());
            let parameters: Vec<u32> = parameters.map(|n| n.parse().unwrap()).collect();
            rest = after;
            match (kind, &parameters[..]) {
                ('#', &[number]) => colour = number,
                ('#', &[number, 2, r, g, b]) => {
                    let channel = |percent: u32| (f64::from(percent) * 2.55).round() as u8;
                    palette.insert(number, Rgb([r, g, b].map(channel)));
                }
                ('$', []) => x = 0,
                ('-', []) => [x, top] = [0, top + STRIP],
                ('!', &[count]) => {
                    let bits = rest.as_bytes()[0] - b'?';
                    rest = &rest[1..];
                    for bit in (0..STRIP).filter(|bit| bits >> bit & 1 == 1) {
                        for x in x..x + count {
                            let pixel = &mut drawn[((top + bit) * width + x) as usize];
                            assert_eq!(pixel.replace(palette[&colour]), None);
                        }
                    }
                    x += count;
                }
                other => panic!("{other:?}"),
            }
        }
        RgbImage::from_fn(width, height, |x, y| {
            drawn[(y * width + x) as usize].unwrap()
        })
    }

    /// Of every channel of every pixel.
    fn errors(picture: &RgbImage) -> Vec<u8> {
        let shown = decode(&encode(picture));
        assert_eq!(shown.dimensions(), picture.dimensions());
        let pairs = picture.as_raw().iter().zip(shown.as_raw());
        pairs.map(|(a, b)| a.abs_diff(*b)).collect()
    }

    /// As a terminal reads percentages: half of one is 1.3 of 255.
    #[test]
    fn few_colours_are_shown_as_they_are() {
        let colours = [[255, 0, 0], [0, 128, 0], [0, 0, 255], [250, 250, 250]];
        for size in [[40, 24], [7, 13], [1, 1]] {
            let picture = RgbImage::from_fn(size[0], size[1], |x, y| {
                Rgb(colours[((x * 7 + y * y) % 4) as usize])
            });
            assert!(errors(&picture).iter().all(|&error| error <= 2), "{size:?}");
        }
        let grey = RgbImage::from_fn(256, 5, |x, _| Rgb([x as u8; 3]));
        assert!(errors(&grey).iter().all(|&error| error <= 2));
    }

    #[test]
    fn many_colours_are_shown_by_near_ones() {
        let picture = RgbImage::from_fn(64, 64, |x, y| Rgb([4 * x as u8, 4 * y as u8, 128]));
        let errors = errors(&picture);
        let sum: f64 = errors.iter().map(|&error| f64::from(error)).sum();
        let mean = sum / errors.len() as f64;
        assert!(mean > 1.0 && mean < 8.0, "{mean}");
    }

    #[test]
    fn a_column_of_two_colours_is_two_runs() {
        let picture = RgbImage::from_fn(3, 6, |_, y| Rgb([if y < 2 { 0 } else { 255 }; 3]));
        assert_eq!(
            encode(&picture),
            "\x1bP0;1q\"1;1;3;6#0;2;0;0;0#1;2;100;100;100#0!3B$#1!3{$-\x1b\\"
        );
    }
}
