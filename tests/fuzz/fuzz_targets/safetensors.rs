//! State dicts that are stored as safetensors.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::within_memory(data.len(), || {
        if let Ok(dict) = caffemodel::read_safetensors(data) {
            fuzz::count(dict.tensors.iter().map(|(_, blob)| blob));
        }
    });
});
