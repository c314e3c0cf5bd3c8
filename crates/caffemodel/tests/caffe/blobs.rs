use caffemodel::{Blob, Encoding, read_mean};

use crate::writer::{Writer, message};

fn shape(writer: &mut Writer, dims: &[i64]) {
    writer.message(7, |shape| {
        shape.packed_ints(1, dims);
    });
}

/// Numbers 0, 1, 2 and so on, whatever they were written as.
fn assert_counts(blob: &Blob<'_>, expected: &[usize]) {
    assert_eq!(blob.shape(), expected);
    let numbers: Vec<f32> = (0..blob.len()).map(|index| index as f32).collect();
    assert_eq!(blob.to_floats(), numbers);
    let mut chunks: Vec<f32> = Vec::new();
    blob.for_each_chunk(|chunk| chunks.extend(chunk));
    assert_eq!(chunks, numbers);
}

#[test]
fn every_way_to_write_numbers_gives_the_same() {
    type Build = fn(&mut Writer);
    let cases: &[(&str, Build, Encoding, bool)] = &[
        (
            "packed",
            |b| {
                b.packed_floats(5, &[0., 1., 2., 3., 4., 5.]);
            },
            Encoding::F32,
            true,
        ),
        (
            "unpacked",
            |b| {
                for i in 0..6 {
                    b.float(5, i as f32);
                }
            },
            Encoding::F32,
            false,
        ),
        (
            "in pieces",
            |b| {
                b.packed_floats(5, &[0., 1.])
                    .packed_floats(5, &[2., 3., 4., 5.]);
            },
            Encoding::F32,
            false,
        ),
        (
            "mixed",
            |b| {
                b.packed_floats(5, &[0., 1.])
                    .float(5, 2.)
                    .float(5, 3.)
                    .packed_floats(5, &[4., 5.]);
            },
            Encoding::F32,
            false,
        ),
        (
            "double",
            |b| {
                b.packed_doubles(8, &[0., 1., 2., 3., 4., 5.]);
            },
            Encoding::F64,
            false,
        ),
        (
            "double unpacked",
            |b| {
                for i in 0..6 {
                    b.double(8, f64::from(i));
                }
            },
            Encoding::F64,
            false,
        ),
        (
            "double wins",
            |b| {
                b.packed_floats(5, &[9.])
                    .packed_doubles(8, &[0., 1., 2., 3., 4., 5.]);
            },
            Encoding::F64,
            false,
        ),
        (
            "empty double",
            |b| {
                b.packed_floats(5, &[0., 1., 2., 3., 4., 5.]).data(8, &[]);
            },
            Encoding::F32,
            true,
        ),
    ];
    for (what, build, encoding, in_one_piece) in cases {
        let file = message(|blob| {
            build(blob);
            shape(blob, &[2, 3]);
        });
        let blob = read_mean(&file.bytes).expect(what);
        assert_counts(&blob, &[2, 3]);
        assert_eq!(blob.encoding(), *encoding, "{what}");
        assert_eq!(blob.f32_bytes().is_some(), *in_one_piece, "{what}");
    }
}

#[test]
fn legacy_dimensions_win_over_a_shape() {
    let file = message(|blob| {
        shape(blob, &[6]);
        blob.int(1, 1)
            .int(2, 2)
            .int(3, 3)
            .int(4, 1)
            .packed_floats(5, &[0., 1., 2., 3., 4., 5.]);
    });
    assert_counts(&read_mean(&file.bytes).unwrap(), &[1, 2, 3, 1]);
    let missing = message(|blob| {
        blob.int(4, 2);
    });
    assert_eq!(read_mean(&missing.bytes).unwrap().shape(), [0, 0, 0, 2]);
}

#[test]
fn shapes_may_be_unpacked_and_scalars_have_none() {
    let unpacked = message(|blob| {
        blob.message(7, |shape| {
            shape.int(1, 2);
        });
        blob.message(7, |shape| {
            shape.int(1, 1);
        });
        blob.packed_floats(5, &[0., 1.]);
    });
    assert_counts(&read_mean(&unpacked.bytes).unwrap(), &[2, 1]);
    let scalar = message(|blob| {
        blob.packed_floats(5, &[0.]);
    });
    assert_counts(&read_mean(&scalar.bytes).unwrap(), &[]);
}

#[test]
fn chunks_hold_at_most_65536_numbers_across_pieces() {
    let numbers: Vec<f32> = (0..200_000).map(|index| index as f32).collect();
    let file = message(|blob| {
        for piece in numbers.chunks(50_001) {
            blob.packed_floats(5, piece);
        }
        shape(blob, &[200_000]);
    });
    let blob = read_mean(&file.bytes).unwrap();
    let mut lengths = Vec::new();
    blob.for_each_chunk(|chunk| lengths.push(chunk.len()));
    assert_eq!(lengths, [65_536, 65_536, 65_536, 3_392]);
    assert_counts(&blob, &[200_000]);
}

#[test]
fn a_blob_can_be_reshaped_where_the_product_holds() {
    let file = message(|blob| {
        blob.packed_floats(5, &[0., 1., 2., 3., 4., 5.]);
        shape(blob, &[1, 6]);
    });
    let blob = read_mean(&file.bytes).unwrap();
    assert_counts(&blob.reshaped(vec![3, 2]).unwrap(), &[3, 2]);
    assert!(blob.reshaped(vec![5]).is_none());
    assert!(blob.reshaped(vec![usize::MAX, 2, 0]).is_none());
}

#[test]
fn shapes_and_numbers_that_disagree_are_errors() {
    type Build = fn(&mut Writer);
    let cases: &[(Build, &str)] = &[
        (
            |b| {
                shape(b, &[2]);
                b.packed_floats(5, &[1.]);
            },
            "expected 2 numbers of shape [2], found 1 numbers",
        ),
        (
            |b| {
                shape(b, &[0]);
                b.packed_floats(5, &[1.]);
            },
            "expected 0 numbers of shape [0], found 1 numbers",
        ),
        (
            |b| {
                shape(b, &[1]);
                b.data(5, &[0; 5]);
            },
            "expected numbers of 4 bytes each, found 5 bytes",
        ),
        (
            |b| {
                shape(b, &[1]);
                b.int(5, 1);
            },
            "field 5, byte 6: expected numbers of 4 bytes, found a varint",
        ),
        (
            |b| {
                shape(b, &[1]);
                b.double(5, 1.0);
            },
            "expected numbers of 4 bytes, found a fixed 64-bit value",
        ),
        (
            |b| {
                shape(b, &[-1]);
            },
            "shape, byte 4: expected a size of at least 0, found -1",
        ),
        (
            |b| {
                b.int(1, -5);
            },
            "expected a size of at least 0, found -5",
        ),
        (
            |b| {
                shape(b, &[1 << 40, 1 << 40]);
            },
            "a shape whose product is no more than a file holds",
        ),
        (
            |b| {
                shape(b, &[1 << 40, 1 << 40, 0]);
            },
            "a shape whose product is no more than a file holds",
        ),
        (
            |b| {
                shape(b, &[1 << 62]);
            },
            "expected 4611686018427387904 numbers",
        ),
        (
            |b| {
                shape(b, &[1; 33]);
            },
            "expected at most 32 axes, found more of them",
        ),
        (
            |b| {
                b.text(1, "x");
            },
            "expected a varint, found a length-delimited value",
        ),
    ];
    for (build, expected) in cases {
        let file = message(build);
        let error = read_mean(&file.bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
