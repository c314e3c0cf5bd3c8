use std::io::Cursor;

use safetensors::tensor::TensorView;
use sampler::Sample;

use super::*;

fn sizes(stores_images: bool) -> Sizes {
    Sizes {
        code: 3,
        image: [1, 2, 2],
        neurons: 1,
        encoding: 2,
        stores_images,
    }
}

/// Batches of 2, 2 and 1 samples.
fn batches() -> Vec<Batch> {
    let sample = |k: u8| Sample {
        code: vec![f32::from(k), 0.5, -1.0],
        image: vec![k, 1, 2, 255],
        activations: vec![f32::from(k) + 0.25],
        encoding: vec![-f32::from(k), f32::MIN_POSITIVE],
        hash: u64::MAX - u64::from(k),
    };
    let ranges = [0..2, 2..4, 4..5];
    let batch = |(index, range): (u64, Range<u8>)| Batch {
        index,
        samples: range.map(sample).collect(),
    };
    (0..).zip(ranges).map(batch).collect()
}

fn written(sizes: Sizes, n: usize, batches: &[Batch]) -> io::Result<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    let metadata = HashMap::from([("seeds".to_owned(), "[]".to_owned())]);
    let mut writer = Writer::new(&mut file, sizes, n, Some(metadata))?;
    for batch in batches {
        let part = Part::new(batch);
        writer.append(|column| part.bytes(column))?;
    }
    writer.finish()?;
    Ok(file.into_inner())
}

#[test]
fn what_is_written_in_parts_equals_what_is_written_at_once() {
    let all = Batch {
        index: 0,
        samples: batches().into_iter().flat_map(|b| b.samples).collect(),
    };
    let part = Part::new(&all);
    for stores_images in [false, true] {
        let sizes = sizes(stores_images);
        let tensor = |column: Column| {
            let bytes = part.bytes(column);
            let view = TensorView::new(column.dtype(), sizes.shape(column, 5), bytes);
            (column.name(), view.unwrap())
        };
        let metadata = HashMap::from([("seeds".to_owned(), "[]".to_owned())]);
        let expected = safetensors::serialize(sizes.columns().map(tensor), Some(metadata)).unwrap();
        assert_eq!(written(sizes, 5, &batches()).unwrap(), expected);
    }
}

#[test]
fn every_row_is_read_again() {
    for stores_images in [false, true] {
        let file = written(sizes(stores_images), 5, &batches()).unwrap();
        let rows = Rows::new(file, sizes(stores_images)).unwrap();
        assert_eq!(rows.count(), 5);
        assert_eq!(rows.metadata("seeds").as_deref(), Some("[]"));
        for (i, sample) in batches().iter().flat_map(|b| &b.samples).enumerate() {
            assert_eq!(rows.floats(Column::Codes, i), sample.code);
            assert_eq!(rows.floats(Column::Activations, i), sample.activations);
            assert_eq!(rows.floats(Column::Encodings, i), sample.encoding);
            assert_eq!(rows.hash(i), sample.hash);
            if stores_images {
                assert_eq!(rows.row(Column::Images, i), sample.image);
            }
        }
        let images = if stores_images { 5 * 4 } else { 0 };
        assert_eq!(rows.bytes(Column::Images).len(), images);
    }
}

#[test]
fn too_few_or_too_many_samples_are_no_file() {
    for n in [4, 6] {
        assert!(written(sizes(true), n, &batches()).is_err(), "{n}");
    }
}

#[test]
fn a_file_that_is_not_of_the_expected_form_is_refused() {
    let file = written(sizes(false), 5, &batches()).unwrap();
    let other = Sizes {
        code: 4,
        ..sizes(false)
    };
    for (bytes, sizes, cause) in [
        (file.clone(), sizes(true), "no images"),
        (
            file.clone(),
            other,
            "codes: f32 [5, 3], expected f32 [5, 4]",
        ),
        (file[..file.len() - 1].into(), sizes(false), "incomplete"),
        (Vec::new(), sizes(false), "small"),
    ] {
        let error = Rows::new(bytes, sizes).err().unwrap();
        assert!(error.to_lowercase().contains(cause), "{error}");
    }
}
