//! Timing what a CUDA device does, on the simulated one.

use cuda_sim::{Knob, Simulator};
use engine::{Device, Error, Shape};

#[test]
fn work_is_done_between_two_events_and_a_lost_device_is_no_time() {
    let simulator = Simulator::load();
    let device = Device::cuda(0, Some(1)).unwrap();
    let shape = Shape::new(&[1000]).unwrap();
    let mut buffer = device.buffer(1, &shape).unwrap();
    simulator.reset_counts();
    let ms = device.time(|| buffer.fill(1, 2.0)).unwrap();
    assert!(ms > 0.0 && ms.is_finite(), "{ms}");
    assert_eq!(simulator.counts().kernels_run, 1);
    simulator.set(Knob::Lose, 1);
    let lost = device.time(|| buffer.fill(1, 3.0));
    assert!(matches!(lost, Err(Error::Cuda { .. })), "{lost:?}");
}
