//! The pixel step between two networks on the device and on the CPU, both ways.

use engine::{Buffer, Clamp, Decoder, Device, Encoder, Shape};
use netfile::{
    Channels, Description, Dtype, ImageEncoding, Input, Layer, NetworkFile, Op, Origin, TensorData,
    VERSION, to_bytes,
};
use tests::normal;

use crate::device::turn;

/// Samples, of which buffers hold two more.
const N: usize = 3;

/// A network that does nothing, whose input of `shape` is an image in this
/// order of channels, with a mean of its own at every pixel or for every channel.
fn network(channels: Channels, [c, h, w]: [usize; 3], mean_image: bool) -> NetworkFile {
    let len = c * h * w;
    let description = Description {
        version: VERSION,
        name: "pixels".into(),
        input: Input {
            name: "data".into(),
            shape: vec![c, h, w],
        },
        image: Some(ImageEncoding {
            channels,
            scale: 255.0,
            mean: vec![104.5, 116.7, 122.3][..c].into(),
            std: vec![1.0, 57.1, 0.3][..c].into(),
        }),
        code: None,
        layers: vec![Layer::new("same", Op::Dropout, &["data"])],
        labels: Default::default(),
        quantiles: Default::default(),
        encoder: None,
        origin: Origin {
            source: "a test".into(),
            sha256: None,
            licence: "MIT".into(),
        },
    };
    let mean = mean_image.then(|| TensorData {
        name: ImageEncoding::MEAN_TENSOR.into(),
        dtype: Dtype::F32,
        shape: vec![c, h, w],
        values: normal(1, 110.0, 20.0, len),
    });
    let bytes = to_bytes(&description, mean.as_slice()).unwrap();
    NetworkFile::from_bytes(bytes).unwrap()
}

const ORDERS: [Channels; 3] = [Channels::Grey, Channels::Rgb, Channels::Bgr];

/// Values for `N` samples on a device.
fn filled(device: &Device, shape: &Shape, seed: u64, [mean, std]: [f32; 2]) -> Buffer {
    let mut buffer = device.buffer(N + 2, shape).unwrap();
    buffer.write(N, &normal(seed, mean, std, N * shape.len()));
    buffer
}

fn bits(buffer: &Buffer) -> Vec<u32> {
    let values = buffer.read(N).unwrap();
    assert!(values.iter().all(|v| v.is_finite()));
    values.into_iter().map(f32::to_bits).collect()
}

/// What images become for a classifier, and cotangents on their way back.
fn encoded(device: &Device, file: &NetworkFile, shape: &Shape) -> [Vec<u32>; 2] {
    let encoder = Encoder::new(file, shape, device).unwrap();
    let [mut encoded, mut d_images] = [(); 2].map(|()| device.buffer(N + 2, shape).unwrap());
    encoder.encode(&filled(device, shape, 2, [0.5, 0.3]), N, &mut encoded);
    encoder.pull(&filled(device, shape, 3, [0.0, 1.0]), N, &mut d_images);
    [bits(&encoded), bits(&d_images)]
}

/// The images that a generator's output becomes, and cotangents on their way
/// back.
fn decoded(
    device: &Device,
    file: &NetworkFile,
    [from, to]: [&Shape; 2],
    clamp: Clamp,
) -> [Vec<u32>; 2] {
    let decoder = Decoder::new(file, from, to, clamp, device).unwrap();
    // A good part of the pixels lies beyond black or white.
    let output = filled(device, from, 4, [10.0, 200.0]);
    let mut images = device.buffer(N + 2, to).unwrap();
    decoder.decode(&output, N, &mut images);
    let mut d_output = device.buffer(N + 2, from).unwrap();
    let d_images = filled(device, to, 5, [0.0, 1.0]);
    decoder.pull(&output, &d_images, N, &mut d_output);
    [bits(&images), bits(&d_output)]
}

#[test]
fn encoding_both_ways_gives_the_bits_of_the_cpu() {
    let turn = turn();
    let cpu = Device::cpu(Some(1)).unwrap();
    for channels in ORDERS {
        for mean_image in [false, true] {
            let dims = [channels.count(), 11, 9];
            let (file, shape) = (
                network(channels, dims, mean_image),
                Shape::new(&dims).unwrap(),
            );
            let expected = encoded(&cpu, &file, &shape);
            turn.every_way(|device| {
                let found = encoded(device, &file, &shape);
                assert!(found == expected, "{channels:?}, mean image: {mean_image}");
            });
        }
    }
}

#[test]
fn decoding_both_ways_gives_the_bits_of_the_cpu() {
    let turn = turn();
    let cpu = Device::cpu(Some(1)).unwrap();
    // As large, smaller and larger by odd differences, and one of each.
    let frames = [[11, 9], [8, 6], [14, 16], [4, 12]];
    for channels in ORDERS {
        for [h, w] in frames {
            for clamp in [Clamp::StraightInward, Clamp::Hard] {
                let [from, to] = [[11, 9], [h, w]].map(|[h, w]| [channels.count(), h, w]);
                let file = network(channels, from, h == w - 2);
                let [from, to] = [from, to].map(|dims| Shape::new(&dims).unwrap());
                let expected = decoded(&cpu, &file, [&from, &to], clamp);
                turn.every_way(|device| {
                    let found = decoded(device, &file, [&from, &to], clamp);
                    let what = format!("{channels:?} to {h} x {w}, {clamp:?}");
                    assert!(found[0] == expected[0], "{what}: images");
                    assert!(found[1] == expected[1], "{what}: gradient");
                });
            }
        }
    }
}
