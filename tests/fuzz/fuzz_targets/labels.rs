//! Names of units, as Caffe lists them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::within_memory(data.len(), || {
        let Ok(labels) = caffemodel::read_labels(data) else {
            return;
        };
        for (id, words) in labels {
            let parts = [id, words].map(str::trim);
            assert_eq!(parts, [id, words]);
            assert!(!id.is_empty() && !words.is_empty());
        }
    });
});
