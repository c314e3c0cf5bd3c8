//! How much memory reading takes, over the bytes of the file. Alone in its
//! program, because everything that is allocated counts.

use caffemodel::{read_caffemodel, read_mean, read_prototxt};
use peak_alloc::PeakAlloc;

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

const MB: usize = 1 << 20;

/// The most bytes that were held at a time while `read` ran, over those held
/// before.
fn peak(read: impl FnOnce()) -> usize {
    let before = PEAK.current_usage();
    PEAK.reset_peak_usage();
    read();
    PEAK.peak_usage().saturating_sub(before)
}

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(content);
    bytes
}

#[test]
fn memory_is_bounded_for_every_shape_of_a_file() {
    // V1: layers 2, blobs 6, bottom 2, type 5, relu_param 30, data 5.
    let unpacked = [0x2d, 0, 0, 0x80, 0x3f].repeat(32 * MB / 5);
    let file = |layer: &[u8]| field(2, layer);
    let empty_pieces = [0x2a, 0].repeat(16 * MB);
    let long = field(2, &[b'x'; 4_096]);
    let small_layer = field(2, &[0x28, 18]);
    let binary: [(&str, Vec<u8>); 8] = [
        ("unpacked floats", file(&field(6, &unpacked))),
        ("empty pieces", file(&field(6, &empty_pieces))),
        ("empty blobs", file(&[0x32, 0].repeat(190_000))),
        ("empty layers", [0x12, 0].repeat(200_000)),
        ("too many empty layers", [0x12, 0].repeat(16 * MB)),
        ("layers with a type", small_layer.repeat(100_000)),
        ("unknown fields", [0x78, 0].repeat(16 * MB)),
        ("long names", file(&long.repeat(8_000))),
    ];
    for (what, file) in &binary {
        let most = peak(|| {
            let _ = read_caffemodel(file).map(|model| {
                for blob in model.blobs.iter().flat_map(|(_, blobs)| blobs) {
                    blob.for_each_chunk(|chunk| assert!(chunk.len() <= 65_536));
                }
            });
        });
        println!("{what}: {} MB for {} MB", most / MB, file.len() / MB);
        assert!(most < 48 * MB + file.len(), "{what}: {} MB", most / MB);
    }
    let most = peak(|| drop(read_mean(&unpacked)));
    assert!(most < MB, "mean: {most}");
    let texts = [
        "layer{}".repeat(200_000),
        "a:1 ".repeat(8 * MB),
        "layer{top:''}".repeat(99_999),
        format!("layer{{{}}}", "blobs{data:1}".repeat(2 * MB)),
        "layer { pooling_param { pad: 1 } }".repeat(60_000),
        "[".repeat(32 * MB),
        "a{".repeat(16 * MB),
    ];
    for text in &texts {
        let most = peak(|| drop(read_prototxt(text.as_bytes())));
        println!(
            "{}: {} MB for {} MB",
            &text[..8],
            most / MB,
            text.len() / MB
        );
        assert!(
            most < 48 * MB + text.len(),
            "{}: {} MB",
            &text[..8],
            most / MB
        );
    }
}
