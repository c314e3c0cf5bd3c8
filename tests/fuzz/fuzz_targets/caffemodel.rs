//! Binary files of Caffe: networks with weights, and mean images.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::within_memory(data.len(), || {
        if let Ok(model) = caffemodel::read_caffemodel(data) {
            fuzz::ask(&model.net);
            fuzz::count(model.blobs.iter().flat_map(|(_, blobs)| blobs));
        }
        if let Ok(mean) = caffemodel::read_mean(data) {
            fuzz::count([&mean]);
        }
    });
});
