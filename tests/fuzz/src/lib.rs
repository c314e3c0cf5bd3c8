//! What the fuzz targets share: a limit on memory, the tiny pair, and what is
//! done with a file that can be read.

use std::alloc::System;
use std::path::PathBuf;
use std::sync::OnceLock;

use caffemodel::{Blob, Layer, Net};
use cap::Cap;
use engine::{Device, Network, NodeId, Plan};
use inverse_set::Pair;
use tempfile::TempDir;

/// Refuses memory beyond its limit, which ends the process: a finding.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes that reading may take besides twice the file.
const ALLOWANCE: usize = 64 << 20;

/// Runs `read` with as much memory as a file of that size may cost.
pub fn within_memory(size: usize, read: impl FnOnce()) {
    within_bytes(2 * size + ALLOWANCE, read);
}

/// Runs `work` with as much memory more than is in use.
pub fn within_bytes(bytes: usize, work: impl FnOnce()) {
    let limit = MEMORY.allocated() + bytes;
    MEMORY
        .set_limit(limit)
        .expect("the limit is above what is in use");
    work();
    MEMORY
        .set_limit(usize::MAX)
        .expect("no limit is above everything");
}

/// The CPU with one thread, so that a process does the same again.
pub fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| Device::cpu(Some(1)).expect("there is a CPU"))
}

/// The files of the tiny pair: classifier and generator.
pub fn tiny_files() -> [PathBuf; 2] {
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights");
    Pair::files(weights.as_ref(), "tiny")
}

/// The tiny pair.
pub fn tiny() -> Pair {
    let [classifier, generator] = tiny_files();
    Pair::open(&classifier, &generator, device()).expect("the tiny pair can be opened")
}

/// A folder in memory, which is gone when it is dropped.
pub fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").expect("there is a file system in memory")
}

/// Most values of all layers together that are computed.
const MOST_VALUES: usize = 1 << 14;

/// Plans batches of a network: those that no machine holds must be refused. A
/// small network is run, too.
pub fn plan(network: &Network) {
    let output = [network.output()];
    for batch in [usize::MAX, usize::MAX / 2 + 1, usize::MAX / 8, 1 << 50] {
        let plan = Plan::new(network, batch, &output);
        assert!(plan.is_err(), "a batch of {batch} was planned");
    }
    let mut lens = network.nodes().map(|node| network.shape(node).len());
    let values = lens.try_fold(0_usize, |sum, len| sum.checked_add(len));
    if values.is_some_and(|values| values <= MOST_VALUES) {
        let mut plan = Plan::new(network, 2, &output).expect("it is small");
        let input = vec![0.5; network.shape(NodeId::INPUT).len()];
        plan.input_mut().write(1, &input);
        plan.forward(1);
    }
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
