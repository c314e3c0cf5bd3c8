//! PyTorch's files, zip archives and streams of pickles.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::within_memory(data.len(), || {
        if let Ok(dict) = caffemodel::read_torch(data) {
            fuzz::count(dict.tensors.iter().map(|(_, blob)| blob));
        }
    });
});
