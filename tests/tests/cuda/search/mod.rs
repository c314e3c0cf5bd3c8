//! What a search does on the device, against the same in main memory.

mod codes;
mod constraints;
mod encodings;
mod images;

use engine::{Buffer, Device, Shape};

/// Vectors of `len` numbers, row after row, on a device with room for two more.
fn rows(device: &Device, len: usize, values: &[f32]) -> Buffer {
    let n = values.len() / len;
    let mut buffer = device.buffer(n + 2, &vector(len)).unwrap();
    buffer.write(n, values);
    buffer
}

fn vector(len: usize) -> Shape {
    Shape::new(&[len]).unwrap()
}

/// The same bits, but that a NaN is a NaN.
#[track_caller]
fn assert_same(found: &[f32], expected: &[f32]) {
    let bits = |v: &f32| if v.is_nan() { f32::NAN } else { *v }.to_bits();
    let bits = |values: &[f32]| values.iter().map(bits).collect::<Vec<u32>>();
    let (found_bits, expected_bits) = (bits(found), bits(expected));
    let place = found_bits
        .iter()
        .zip(&expected_bits)
        .position(|(a, b)| a != b);
    assert!(
        found.len() == expected.len() && place.is_none(),
        "{place:?} of {found:?}, {expected:?}"
    );
}

/// As near as sums in another order leave them.
#[track_caller]
fn assert_near(found: &[f32], expected: &[f32]) {
    let wrong = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-6 * b.abs().max(1.0) || a.is_nan();
    let place = found.iter().zip(expected).position(wrong);
    assert!(
        found.len() == expected.len() && place.is_none(),
        "{place:?} of {found:?}, {expected:?}"
    );
}
