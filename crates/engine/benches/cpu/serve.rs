//! A step whenever a line is read, so that another program can take turns with
//! others.
//!
//! The codes and the direction are left in a folder for the others, as raw
//! f32 in `codes.f32` and `direction.f32`, and the gradient in `gradient.f32`.

use std::fs;
use std::io::{BufRead, stdin};
use std::path::Path;
use std::time::Instant;

use engine::Device;

use crate::step::Step;

pub(crate) fn serve(device: &Device, pair: &Path, folder: &Path, k: usize) {
    let write = |name: &str, values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let path = folder.join(name).with_extension("f32");
        fs::write(&path, bytes)
            .unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
    };
    let mut step = Step::new(device, pair, k);
    write("codes", &step.codes);
    write("direction", &step.direction);
    let gradient = step.run().read(k).expect("a CPU reads what it wrote");
    write("gradient", &gradient);
    println!("ready {}", device.instruction_set());
    for _ in stdin().lock().lines() {
        let start = Instant::now();
        step.run();
        println!("{}", start.elapsed().as_secs_f64() * 1e3);
    }
}
