//! What a network file says of its network: layers, labels, quantiles and the
//! encoder. The tensors are those of the tiny classifier.
#![no_main]

use std::collections::HashMap;
use std::fs;
use std::sync::OnceLock;

use inverse_set::{Job, Pair, Request};
use netfile::METADATA_KEY;
use safetensors::SafeTensors;

libfuzzer_sys::fuzz_target!(|description: &str| {
    static CLASSIFIER: OnceLock<Vec<u8>> = OnceLock::new();
    let [path, _] = fuzz::tiny_files();
    let classifier = CLASSIFIER.get_or_init(|| fs::read(path).expect("the tiny classifier"));
    fuzz::device();
    let folder = fuzz::folder();
    let path = folder.path().join("classifier.safetensors");
    let file = SafeTensors::deserialize(classifier).expect("the tiny classifier");
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), description.to_owned())]);
    let bytes = safetensors::serialize(file.tensors(), Some(metadata)).expect("it was one");
    fs::write(&path, bytes).expect("there is room");
    fuzz::within_memory(description.len(), || {
        let Ok(pair) = Pair::of_pixels(&path, fuzz::device()) else {
            return;
        };
        fuzz::plan(pair.classifier_network());
        let _ = pair.search(None, "crane");
        let _ = pair.search(Some("fc8"), "n0");
        // A unit by its label, so that its quantiles are read, too.
        let request = Request {
            neurons: vec!["fc8:volcano=c25..c75".into(), "conv5:3@max".into()],
            ..Request::default()
        };
        if let Ok(job) = Job::new(pair, &request) {
            assert!(job.neurons().iter().all(|neuron| neuron.lo <= neuron.hi));
        }
    });
});
