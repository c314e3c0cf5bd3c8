//! Where no device is at hand: the arithmetic of every op beside its bytes, and
//! which of the two would bound it on an H100.

use crate::machine::H100;
use crate::pairs::Pair;
use crate::work::{self, DIRECTIONS, Direction, Work};

pub(crate) fn print(pair: &Pair, k: usize, only: Option<&str>) {
    println!(
        "\nPair: {}, K = {k}; least time on an H100 by its data sheet",
        pair.name
    );
    println!("(3.35 TB/s; 67 TFLOP/s in f32; 494 in tf32, of which a product takes two with");
    println!("weights of 16 bits and three with weights in f32). Nothing here is measured.");
    println!("layer    pass    kernel                      MFLOP     MB flop/B bound        us");
    let layers = pair.layers();
    let [generator, classifier] = &layers;
    for direction in DIRECTIONS {
        for layer in generator.iter().chain(classifier) {
            if only.is_none_or(|only| only == layer.name) {
                row(&layer.name, direction, &Work::of(layer, direction, k, true));
            }
        }
        if only.is_none_or(|only| only == "pixels") {
            for work in work::pixels(Pair::images(&layers), direction, k) {
                row("pixels", direction, &work);
            }
        }
    }
}

fn row(layer: &str, direction: Direction, work: &Work) {
    let [arithmetic, memory] = H100.least(work);
    let bound = if arithmetic > memory {
        "arithmetic"
    } else {
        "memory"
    };
    println!(
        "{layer:8} {:7} {:26} {:6.0} {:6.1} {:6.1} {bound:10} {:4.1}",
        direction.name(),
        work.kernel,
        work.flops / 1e6,
        work.bytes() / 1e6,
        work.flops / work.bytes(),
        arithmetic.max(memory) * 1e6
    );
}
