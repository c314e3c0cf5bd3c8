//! Rounding images to 8 bits.

use engine::search::Images;
use engine::{Device, Shape};
use sampler::{HostSpace, Space as _};
use tests::normal;

use super::assert_same;
use crate::device::turn;

fn check(device: &Device, dims: [usize; 3], n: usize) {
    let shape = Shape::new(&dims).unwrap();
    let mut values = normal(0, 0.5, 0.4, n * shape.len());
    // What is half-way between two bytes, as far as there are such numbers.
    let halves = (0..255).map(|byte| (byte as f32 + 0.5) / 255.0);
    let near = halves.flat_map(|half| [half.next_down(), half, half.next_up()]);
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1.0];
    for (value, edge) in values
        .iter_mut()
        .step_by(2)
        .zip(special.into_iter().chain(near))
    {
        *value = edge;
    }
    let mut images = device.buffer(n + 1, &shape).unwrap();
    images.write(n, &values);

    let mut on_host = HostSpace::new(Vec::new(), Vec::new());
    let [mut found, mut expected] = [Vec::new(), Vec::new()];
    let rounded = on_host.round(&values, n, &mut expected).unwrap();
    let mut on_device = Images::new(device, n + 1, &shape).unwrap();
    let on_device = on_device.round(&images, n, &mut found).unwrap();
    assert_eq!(found, expected);
    assert_same(&on_device.read(n).unwrap(), rounded);
}

#[test]
fn bytes_and_rounded_pixels_are_those_of_the_host() {
    let turn = turn();
    for (dims, n) in [([3, 17, 15], 3), ([1, 32, 32], 2)] {
        turn.every_way(|device| check(device, dims, n));
    }
}
