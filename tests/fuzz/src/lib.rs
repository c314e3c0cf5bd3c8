//! What the fuzz targets share: a limit on memory, and what is done with a
//! file that can be read.

use std::alloc::System;

use caffemodel::{Blob, Layer, Net};
use cap::Cap;

/// Refuses memory beyond its limit, which ends the process: a finding.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes that reading may take besides twice the file.
const ALLOWANCE: usize = 64 << 20;

/// Runs `read` with as much memory as a file of that size may cost.
pub fn within_memory(size: usize, read: impl FnOnce()) {
    let limit = MEMORY.allocated() + 2 * size + ALLOWANCE;
    MEMORY.set_limit(limit).expect("the limit is above what is in use");
    read();
    MEMORY.set_limit(usize::MAX).expect("no limit is above everything");
}

/// Asks every layer for every parameter.
pub fn ask(net: &Net) {
    net.layers.iter().for_each(ask_layer);
}

fn ask_layer(layer: &Layer) {
    let _ = layer.convolution();
    let _ = layer.inner_product();
    let _ = layer.pooling();
    let _ = layer.lrn();
    let _ = layer.relu();
    let _ = layer.eltwise();
    let _ = layer.concat();
    let _ = layer.softmax();
    let _ = layer.scale();
    let _ = layer.bias();
    let _ = layer.batch_norm();
    let _ = layer.reshape();
    let _ = layer.flatten();
    let _ = layer.crop();
    let _ = layer.power();
    let _ = layer.input_shapes();
    let _ = layer.transformation();
}

/// Reads every number; there must be as many as the shape says.
pub fn count<'a>(blobs: impl IntoIterator<Item = &'a Blob<'a>>) {
    for blob in blobs {
        let mut numbers = 0;
        blob.for_each_chunk(|chunk| numbers += chunk.len());
        assert_eq!(numbers, blob.len());
        assert_eq!(numbers, blob.shape().iter().product::<usize>());
    }
}
