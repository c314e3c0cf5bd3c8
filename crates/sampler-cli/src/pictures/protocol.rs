//! The bytes that make a terminal show a picture.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::DynamicImage;

use super::{COLUMN, sixel};

/// How a terminal is told a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// <https://sw.kovidgoyal.net/kitty/graphics-protocol/>
    Kitty,
    /// <https://iterm2.com/documentation-images.html>
    Iterm2,
    /// DEC's sixels, of at most 256 colours.
    Sixel,
}

impl Protocol {
    /// Escapes that show a PNG file, which `picture` was read from, so many
    /// columns wide, and a new line.
    pub(super) fn encode(self, png: &[u8], picture: &DynamicImage, columns: u32) -> String {
        match self {
            Protocol::Kitty => kitty(png, columns),
            Protocol::Iterm2 => iterm2(png, columns),
            Protocol::Sixel => sixels(picture, columns * COLUMN),
        }
    }
}

/// Most bytes of base64 in a chunk.
const CHUNK: usize = 4096;

/// Transmits and displays (`a=T`) a PNG file (`f=100`) in chunks, each of which
/// but the last says that more follow (`m=1`). The terminal is not to answer
/// (`q=2`): nobody would read it.
fn kitty(png: &[u8], columns: u32) -> String {
    let data = STANDARD.encode(png);
    let mut text = String::new();
    let mut keys = format!("a=T,f=100,q=2,c={columns},");
    let mut rest = data.as_str();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        let more = u8::from(!after.is_empty());
        text += &format!("\x1b_G{keys}m={more};{chunk}\x1b\\");
        keys.clear();
        rest = after;
    }
    text + "\n"
}

/// The height follows from the width.
fn iterm2(png: &[u8], columns: u32) -> String {
    let (size, data) = (png.len(), STANDARD.encode(png));
    format!("\x1b]1337;File=inline=1;size={size};width={columns}:{data}\x07\n")
}

/// At most that many pixels wide: no terminal scales sixels.
fn sixels(picture: &DynamicImage, most: u32) -> String {
    let fitted = match picture.width() > most {
        true => picture.thumbnail(most, u32::MAX),
        false => picture.clone(),
    };
    sixel::encode(&fitted.to_rgb8()) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgb, RgbImage};

    /// Of noise, so that its file is large: kitty's needs several chunks.
    fn noise() -> (Vec<u8>, DynamicImage) {
        let mut state = 1u32;
        let picture = RgbImage::from_fn(64, 60, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [r, g, b, _] = state.to_be_bytes();
            Rgb([r, g, b])
        });
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).unwrap();
        (png.into_inner(), picture.into())
    }

    #[test]
    fn kitty_gets_the_file_in_chunks() {
        let (png, picture) = noise();
        let text = Protocol::Kitty.encode(&png, &picture, 30);
        let chunks = text.strip_suffix("\x1b\\\n").unwrap().split("\x1b\\");
        let chunks: Vec<(&str, &str)> = chunks
            .map(|chunk| {
                chunk
                    .strip_prefix("\x1b_G")
                    .unwrap()
                    .split_once(';')
                    .unwrap()
            })
            .collect();
        assert!(chunks.len() > 2, "{}", chunks.len());
        assert_eq!(chunks[0].0, "a=T,f=100,q=2,c=30,m=1");
        let (last, middle) = chunks[1..].split_last().unwrap();
        assert!(middle.iter().all(|chunk| chunk.0 == "m=1"));
        assert_eq!(last.0, "m=0");
        assert!(chunks.iter().all(|chunk| chunk.1.len() <= 4096));
        let data: String = chunks.iter().map(|chunk| chunk.1).collect();
        assert_eq!(STANDARD.decode(data).unwrap(), png);
    }

    #[test]
    fn a_small_file_is_one_chunk() {
        assert_eq!(kitty(b"PNG", 7), "\x1b_Ga=T,f=100,q=2,c=7,m=0;UE5H\x1b\\\n");
    }

    #[test]
    fn iterm2_gets_the_file_and_its_size() {
        let (png, picture) = noise();
        let text = Protocol::Iterm2.encode(&png, &picture, 30);
        let text = text.strip_prefix("\x1b]1337;File=").unwrap();
        let (keys, data) = text
            .strip_suffix("\x07\n")
            .unwrap()
            .split_once(':')
            .unwrap();
        assert_eq!(keys, format!("inline=1;size={};width=30", png.len()));
        assert_eq!(STANDARD.decode(data).unwrap(), png);
    }

    #[test]
    fn sixels_are_scaled_down_to_the_columns() {
        let (png, picture) = noise();
        for (columns, size) in [(4, "32;30"), (8, "64;60"), (80, "64;60")] {
            let text = Protocol::Sixel.encode(&png, &picture, columns);
            let attributes = format!("\x1bP0;1q\"1;1;{size}#");
            assert!(text.starts_with(&attributes), "{columns}");
            assert!(text.ends_with("\x1b\\\n"), "{columns}");
        }
    }
}
