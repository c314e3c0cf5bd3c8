//! A user's picture, in a folder that is scanned, and as a file of images.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use inverse_set::{Scan, ScanRequest};

/// What a picture of the most pixels that are taken may cost.
const MOST_BYTES: usize = 1 << 30;

struct Fixture {
    folder: PathBuf,
    scans: [Scan; 2],
}

/// Scans of a folder and of the file in it, which need not be there yet.
fn fixture() -> Fixture {
    let folder = PathBuf::from(format!("/dev/shm/fuzz-picture-{}", std::process::id()));
    let scan = |pictures: PathBuf| {
        let request = ScanRequest {
            pictures,
            neurons: vec!["fc8:volcano=-1e9..1e9".into()],
            shown: 4,
        };
        Scan::new(fuzz::tiny(), &request).expect("it can be scanned")
    };
    let scans = [scan(folder.clone()), scan(folder.join("a.png"))];
    Fixture { folder, scans }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    let Fixture { folder, scans } = FIXTURE.get_or_init(fixture);
    fs::create_dir(folder).expect("nobody else makes it");
    fs::write(folder.join("a.png"), data).expect("there is room");
    fuzz::within_bytes(MOST_BYTES, || {
        for scan in scans {
            let out = fuzz::folder();
            let _ = scan.run(&out.path().join("out"), &mut |_, _| {});
        }
    });
    let left = fs::read_dir(folder).expect("it was made").count();
    assert_eq!(left, 1, "something was written beside the picture");
    fs::remove_dir_all(folder).expect("it was made");
});
