//! Network files, the shapes of the layers in them, and plans of batches.
#![no_main]

use std::collections::HashMap;

use engine::{LayerShape, Network, Shape};
use netfile::NetworkFile;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::device();
    fuzz::within_memory(data.len(), || {
        if let Ok(file) = NetworkFile::from_bytes(data.to_vec()) {
            resolve(&file);
            if let Ok(network) = Network::load(&file, fuzz::device()) {
                fuzz::plan(&network);
            }
        }
    });
});

/// Goes as far as the shape rules go.
fn resolve(file: &NetworkFile) -> Option<()> {
    let description = file.description();
    let input = Shape::new(&description.input.shape)?;
    let mut shapes = HashMap::from([(&description.input.name, input)]);
    for layer in &description.layers {
        let inputs: Vec<Shape> = layer
            .inputs
            .iter()
            .map(|name| shapes[name].clone())
            .collect();
        let shape = LayerShape::new(layer, &inputs).ok()?;
        shapes.insert(&layer.name, shape.output);
    }
    Some(())
}
