use std::io::Cursor;

use super::*;

#[test]
fn images_share_a_folder_up_to_a_thousand() {
    for (i, n, name) in [
        (0, 1, "samples/00000.png"),
        (999, 1000, "samples/00999.png"),
        (999, 1001, "samples/000/00999.png"),
        (1000, 1001, "samples/001/01000.png"),
        (99_999, 100_000, "samples/099/99999.png"),
        (1_000_000, 1_000_001, "samples/1000/1000000.png"),
    ] {
        assert_eq!(ImageNames::new(n).name(i), name);
    }
}

/// A file of grey images of one pixel each.
fn pixels(pixels: &[u8]) -> Rows {
    let sizes = Sizes {
        code: 1,
        image: [1, 1, 1],
        neurons: 1,
        encoding: 1,
        stores_images: true,
    };
    let n = pixels.len();
    let zeros = vec![0; 8 * n];
    let mut file = Cursor::new(Vec::new());
    let mut writer = Writer::new(&mut file, sizes, n, None).unwrap();
    let part = |column| match column {
        Column::Hashes => &zeros[..],
        Column::Images => pixels,
        _ => &zeros[..4 * n],
    };
    writer.append(part).unwrap();
    writer.finish().unwrap();
    Rows::new(file.into_inner(), sizes).unwrap()
}

#[test]
fn every_image_lies_under_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::at(folder.path());
    let rows = pixels(&[10, 20, 30, 40, 50]);
    for most in [2, 5] {
        let names = ImageNames { n: 5, most };
        directory.write_images(&rows, names).unwrap();
        for i in 0..5 {
            let image = image::open(folder.path().join(names.name(i))).unwrap();
            assert_eq!(image.to_luma8().as_raw(), rows.row(Column::Images, i));
        }
    }
}
