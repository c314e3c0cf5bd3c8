//! ONNX files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::within_memory(data.len(), || {
        if let Ok(dict) = caffemodel::read_onnx(data) {
            fuzz::count(dict.tensors.iter().map(|(_, blob)| blob));
        }
    });
});
