//! The pixel step between two networks, on images small enough to write down.

use engine::{Buffer, Clamp, Decoder, Device, Encoder, Shape};
use netfile::{
    Channels, Description, Dtype, ImageEncoding, Input, Layer, NetworkFile, Op, Origin, TensorData,
    VERSION, to_bytes,
};

/// Pixels and gradients are exact but for a few roundings.
const CLOSE: f32 = 1e-5;

/// A network that does nothing, with a pixel encoding for inputs of `shape`.
fn network(shape: [usize; 3], image: ImageEncoding, mean: Option<Vec<f32>>) -> NetworkFile {
    let description = Description {
        version: VERSION,
        name: "pixels".into(),
        input: Input {
            name: "data".into(),
            shape: shape.to_vec(),
        },
        image: Some(image),
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
    let mean = mean.map(|values| TensorData {
        name: ImageEncoding::MEAN_TENSOR.into(),
        dtype: Dtype::F32,
        shape: shape.to_vec(),
        values,
    });
    NetworkFile::from_bytes(to_bytes(&description, mean.as_slice()).unwrap()).unwrap()
}

/// Caffe's encoding: blue first, up to 255, less a mean per channel.
fn caffe() -> ImageEncoding {
    ImageEncoding {
        channels: Channels::Bgr,
        scale: 255.0,
        mean: vec![10.0, 20.0, 30.0],
        std: vec![1.0, 1.0, 2.0],
    }
}

fn grey() -> ImageEncoding {
    ImageEncoding {
        channels: Channels::Grey,
        scale: 1.0,
        mean: vec![0.0],
        std: vec![1.0],
    }
}

fn shape(dims: [usize; 3]) -> Shape {
    Shape::new(&dims).unwrap()
}

/// Values in row-major order.
fn buffer(dims: [usize; 3], values: &[f32]) -> Buffer {
    let mut buffer = empty(dims);
    buffer.write(1, values);
    buffer
}

fn empty(dims: [usize; 3]) -> Buffer {
    Buffer::new(1, &shape(dims))
}

#[track_caller]
fn check(found: &Buffer, expected: &[f32]) {
    let found = found.read(1).unwrap();
    let wrong = |(a, b): (&f32, &f32)| (a - b).abs() > CLOSE * b.abs().max(1.0) || a.is_nan();
    assert_eq!(found.len(), expected.len());
    let wrong = found.iter().zip(expected).any(wrong);
    assert!(!wrong, "{found:?} instead of {expected:?}");
}

fn device() -> Device {
    Device::cpu(Some(1)).unwrap()
}

#[test]
fn a_classifier_sees_blue_first_and_gives_gradients_back_in_order() {
    let dims = [3, 1, 2];
    let file = network(dims, caffe(), None);
    let encoder = Encoder::new(&file, &shape(dims), &device()).unwrap();
    let mut encoded = empty(dims);
    // Red, green, blue planes of two pixels.
    encoder.encode(
        &buffer(dims, &[1.0, 0.0, 0.5, 0.2, 0.0, 1.0]),
        1,
        &mut encoded,
    );
    check(&encoded, &[-10.0, 245.0, 107.5, 31.0, 112.5, -15.0]);

    let mut d_images = empty(dims);
    encoder.pull(
        &buffer(dims, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        1,
        &mut d_images,
    );
    let d_red_green_blue = [5.0 * 127.5, 6.0 * 127.5, 765.0, 1020.0, 255.0, 510.0];
    check(&d_images, &d_red_green_blue);
}

#[test]
fn a_mean_image_replaces_the_mean_of_channels() {
    let dims = [1, 1, 2];
    let file = network(dims, grey(), Some(vec![0.25, 0.75]));
    let encoder = Encoder::new(&file, &shape(dims), &device()).unwrap();
    let mut encoded = empty(dims);
    encoder.encode(&buffer(dims, &[1.0, 1.0]), 1, &mut encoded);
    check(&encoded, &[0.75, 0.25]);
}

#[test]
fn an_encoded_image_is_decoded_to_itself() {
    let dims = [3, 2, 2];
    let file = network(dims, caffe(), None);
    let image: Vec<f32> = (0..12).map(|i| i as f32 / 11.0).collect();
    let encoder = Encoder::new(&file, &shape(dims), &device()).unwrap();
    let mut encoded = empty(dims);
    encoder.encode(&buffer(dims, &image), 1, &mut encoded);
    let same = shape(dims);
    let decoder = Decoder::new(&file, &same, &same, Clamp::default(), &device()).unwrap();
    let mut decoded = empty(dims);
    decoder.decode(&encoded, 1, &mut decoded);
    check(&decoded, &image);
}

#[test]
fn images_are_cropped_and_padded_around_their_centre() {
    let decode = |from: [usize; 3], to: [usize; 3], output: &[f32]| {
        let file = network(from, grey(), None);
        let (of_from, of_to) = (from, to);
        let (from, to) = (shape(from), shape(to));
        let decoder = Decoder::new(&file, &from, &to, Clamp::default(), &device()).unwrap();
        let mut image = Buffer::new(1, &to);
        decoder.decode(&buffer(of_from, output), 1, &mut image);
        let mut d_output = Buffer::new(1, &from);
        let ones = buffer(of_to, &vec![-1.0; to.len()]);
        decoder.pull(&buffer(of_from, output), &ones, 1, &mut d_output);
        (image, d_output)
    };
    // Of four columns two stay, of two rows one: the first, as 1 / 2 is 0.
    let output = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
    let (image, d_output) = decode([1, 2, 4], [1, 1, 2], &output);
    check(&image, &[0.2, 0.3]);
    check(&d_output, &[0.0, -1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let (image, d_output) = decode([1, 1, 2], [1, 2, 4], &[0.2, 0.3]);
    check(&image, &[0.0, 0.2, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0]);
    check(&d_output, &[-1.0, -1.0]);
}

#[test]
fn a_clamped_pixel_has_a_gradient_only_back_inwards() {
    let dims = [1, 1, 6];
    let file = network(dims, grey(), None);
    let same = shape(dims);
    // Below, within and above, each with a cotangent of either sign. Its
    // quantity is minimised: a negative cotangent asks for a brighter pixel.
    let output = buffer(dims, &[-0.5, -0.5, 0.5, 0.5, 1.5, 1.5]);
    let d_image = buffer(dims, &[-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]);
    for (clamp, expected) in [
        (Clamp::StraightInward, [-1.0, 0.0, -1.0, 1.0, 0.0, 1.0]),
        (Clamp::Hard, [0.0, 0.0, -1.0, 1.0, 0.0, 0.0]),
    ] {
        let decoder = Decoder::new(&file, &same, &same, clamp, &device()).unwrap();
        let mut image = empty(dims);
        decoder.decode(&output, 1, &mut image);
        check(&image, &[0.0, 0.0, 0.5, 0.5, 1.0, 1.0]);
        let mut d_output = empty(dims);
        decoder.pull(&output, &d_image, 1, &mut d_output);
        check(&d_output, &expected);
    }
}

#[test]
fn what_is_no_image_is_refused() {
    let file = network([1, 2, 2], grey(), None);
    let flat = Shape::new(&[4]).unwrap();
    let error = Encoder::new(&file, &flat, &device()).unwrap_err();
    assert!(error.to_string().contains("expected an image"), "{error}");
    let (one, three) = (shape([1, 2, 2]), shape([3, 2, 2]));
    let error = Decoder::new(&file, &one, &three, Clamp::default(), &device()).unwrap_err();
    assert!(error.to_string().contains("3 channels"), "{error}");
}
