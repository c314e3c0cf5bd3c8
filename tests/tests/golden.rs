//! Whole networks on the CPU against what PyTorch computed.

use engine::Device;
use tests::golden;

fn device() -> Device {
    Device::cpu(Some(2)).unwrap()
}

#[test]
fn the_tiny_pair_computes_what_pytorch_computed() {
    golden::tiny_pair(&device());
}

#[test]
fn the_demo_pair_computes_what_pytorch_computed() {
    golden::demo_pair(&device(), usize::MAX);
}
