//! Caffe's networks as text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::within_memory(data.len(), || {
        if let Ok(net) = caffemodel::read_prototxt(data) {
            fuzz::ask(&net);
        }
    });
});
