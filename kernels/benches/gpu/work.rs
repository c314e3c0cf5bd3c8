//! What a layer asks of a CUDA device: kernels, blocks, arithmetic, bytes.
//!
//! The blocks of the matrix products are counted with the functions that the
//! engine launches them by (`kernels::correlation`, `kernels::dense`).

use kernels::correlation::{self, Phase, PhaseAxis, Shape, Tile};
use kernels::dense;
use netfile::{Convolution, Dtype, Op, PoolMethod};

use crate::pairs::Computed;

/// A direction of a layer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    /// The gradient with respect to its input.
    Back,
}

pub(crate) const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Back];

impl Direction {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Direction::Forward => "forward",
            Direction::Back => "back",
        }
    }
}

/// What the time of a kernel goes by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Matrix products of planes on tensor cores.
    Correlation,
    /// The same without tensor cores, and those to a few channels.
    Fma,
    /// Inner products: their weights are read.
    Dense,
    /// One thread a value.
    Values,
    /// One thread a value, which reads its neighbours too.
    Neighbours,
}

/// One direction of a layer for a batch.
pub(crate) struct Work {
    pub(crate) kernel: String,
    pub(crate) class: Class,
    /// Kernels that are launched, one after the other.
    pub(crate) launches: u32,
    /// Blocks of the first.
    pub(crate) blocks: u64,
    /// Reads from memory that a block makes one after the other.
    pub(crate) rounds: u64,
    /// Multiplications and additions of the formula.
    pub(crate) flops: f64,
    /// Those that are done: the tiles are whole, and a product on tensor cores
    /// is two or three.
    pub(crate) done: f64,
    /// Products on tensor cores for one of the formula; 0 without them.
    pub(crate) products: u32,
    /// Bytes of weights.
    pub(crate) weights: f64,
    /// Bytes of all else that is read and written.
    pub(crate) moved: f64,
}

/// Bytes of a value.
const VALUE: f64 = 4.0;

impl Work {
    /// What a layer of a whole network takes for `k` samples, `tensor` with
    /// tensor cores.
    pub(crate) fn of(layer: &Computed, direction: Direction, k: usize, tensor: bool) -> Work {
        let values = |dims: &[usize]| (k * dims.iter().product::<usize>()) as f64;
        let (x, y) = (values(&layer.input), values(&layer.output));
        let back = direction == Direction::Back;
        let written = if back { x } else { y };
        let mut work = match &layer.op {
            Op::Convolution(a) => correlate(layer, a, direction, k, tensor),
            Op::TransposedConvolution(a) => correlate(layer, a, direction, k, tensor),
            Op::InnerProduct(_) => inner_product(layer, direction, k, tensor),
            Op::Pool(a) => {
                let kind = match a.method {
                    PoolMethod::Max => "max",
                    PoolMethod::Average => "average",
                };
                let name = format!("{kind}_pool_{}", suffix(direction));
                // A block takes 256 values of a row of what it writes.
                let dims = if back { &layer.input } else { &layer.output };
                let row = dims[0] * dims[2];
                let blocks = (k * dims[1] * row.div_ceil(256)) as u64;
                let positions = if a.method == PoolMethod::Max { y } else { 0.0 };
                let window = a.kernel.iter().product::<usize>() as f64;
                Work {
                    blocks,
                    ..Work::values(
                        &name,
                        Class::Neighbours,
                        [written, x + y + positions],
                        y * window,
                    )
                }
            }
            Op::Lrn(a) => {
                let name = format!("lrn_{}", suffix(direction));
                // Forward x, y and scale; back y, dy and dx as well.
                let (each, planes) = if back { (4.0, 5.0) } else { (2.0, 3.0) };
                let flops = x * (each * a.size as f64 + 8.0);
                Work::values(&name, Class::Neighbours, [written, planes * x], flops)
            }
            Op::Softmax => {
                let name = format!("softmax_{}", suffix(direction));
                let planes = if back { 3.0 } else { 2.0 };
                Work::values(&name, Class::Neighbours, [written, planes * y], 4.0 * y)
            }
            Op::Reshape(_) | Op::Flatten | Op::Dropout => {
                Work::values("reorder", Class::Values, [written, x + y], 0.0)
            }
            op => unreachable!("no layer of the pairs is {}", op.name()),
        };
        if back && layer.masked {
            work.moved += VALUE * x;
        }
        if back && layer.rectifies_back {
            // `carry_relu` reads y and dy and writes dy.
            work.launches += 1;
            work.moved += 3.0 * VALUE * y;
        }
        work
    }

    /// A kernel with one thread for each value that it writes, which reads and
    /// writes `moved` values in all.
    fn values(name: &str, class: Class, [written, moved]: [f64; 2], flops: f64) -> Work {
        Work {
            kernel: name.into(),
            class,
            launches: 1,
            blocks: (written / 256.0).ceil() as u64,
            rounds: 1,
            flops,
            done: flops,
            products: 0,
            weights: 0.0,
            moved: VALUE * moved,
        }
    }

    pub(crate) fn bytes(&self) -> f64 {
        self.weights + self.moved
    }
}

fn suffix(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Back => "backward",
    }
}

fn type_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "f32",
        Dtype::F16 => "f16",
        Dtype::Bf16 => "bf16",
    }
}

/// Multiplications on tensor cores for a product with a weight: two halves of
/// the value, and two of a weight in f32, less the least of the four.
fn products(dtype: Dtype, tensor: bool) -> u32 {
    match (tensor, dtype) {
        (false, _) => 0,
        (true, Dtype::F32) => 3,
        (true, _) => 2,
    }
}

/// Terms that a block of a correlation takes at a time.
const DEPTH: u64 = 16;
/// The parts of a split sum are multiples of this.
const CHUNK: u64 = 32;

fn correlate(
    layer: &Computed,
    a: &Convolution,
    direction: Direction,
    k: usize,
    tensor: bool,
) -> Work {
    let is_transposed = matches!(layer.op, Op::TransposedConvolution(_));
    let (image, grid) = match is_transposed {
        false => (&layer.input, &layer.output),
        true => (&layer.output, &layer.input),
    };
    let gathers = is_transposed == (direction == Direction::Back);
    let (from, to) = if gathers {
        (image, grid)
    } else {
        (grid, image)
    };
    let [channels, outputs] = [from[0] / a.groups, to[0] / a.groups];
    let axes = [0, 1].map(|axis| match gathers {
        true => vec![[grid[axis + 1], a.kernel[axis]]],
        false => scattered(image[axis + 1], a, axis),
    });
    let of_axis = |[places, taps]: [usize; 2]| PhaseAxis {
        places: places as i32,
        first: 0,
        spacing: 1,
        step: 1,
        offset: 0,
        taps: taps as i32,
        tap_step: 1,
    };
    let [rows, cols] = axes.map(|axis| axis.into_iter().map(of_axis).collect::<Vec<_>>());
    let pairs = rows
        .iter()
        .flat_map(|&rows| cols.iter().map(move |&cols| (rows, cols)));
    let phases: Vec<Phase> = pairs
        .map(|(rows, cols)| Phase {
            rows,
            cols,
            weight: 0,
        })
        .collect();
    let mut shape = Shape {
        n: k as i32,
        groups: a.groups as i32,
        phases: phases.len() as i32,
        channels: channels as i32,
        outputs: outputs as i32,
        outputs_padded: outputs.next_multiple_of(8) as i32,
        source_h: from[1] as i32,
        source_w: from[2] as i32,
        destination_h: to[1] as i32,
        destination_w: to[2] as i32,
        relu: 0,
        slope: 0.0,
        splits: 1,
    };
    shape.splits = correlation::splits(&phases, &shape);
    let tile = Tile::of(shape.outputs);
    let (tensor, area) = match tile {
        Tile::Wide => (tensor, 64 * 64),
        Tile::Narrow => (false, 128 * 4),
    };
    let products = products(layer.dtype, tensor);
    let (mut blocks, mut rounds, mut terms_done, mut weights) = (0, 0, 0, 0);
    for phase in &phases {
        let one = Shape { phases: 1, ..shape };
        let [places, columns, parts] = correlation::grid(tile, &[*phase], &one).map(u64::from);
        let terms = (phase.rows.taps * phase.cols.taps) as u64 * channels as u64;
        let splits = shape.splits as u64;
        let part = terms.div_ceil(CHUNK).div_ceil(splits) * CHUNK;
        blocks += places * columns * parts;
        rounds = rounds.max(part.min(terms).div_ceil(DEPTH));
        terms_done += places * columns * (parts / splits) * area * terms.next_multiple_of(DEPTH);
        weights += terms * (a.groups as i32 * shape.outputs_padded) as u64;
    }
    let in_parts = if shape.splits > 1 { shape.splits } else { 0 };
    let values = |dims: &[usize]| (k * dims.iter().product::<usize>()) as f64;
    // Parts are written by one kernel and read by another.
    let moved = values(from) + values(to) * (1.0 + 2.0 * f64::from(in_parts));
    let places = (grid[1] * grid[2] * k) as f64;
    let taps = (a.kernel[0] * a.kernel[1] * channels * outputs * a.groups) as f64;
    let name = match (tile, tensor) {
        (Tile::Narrow, _) => "narrow_correlation",
        (Tile::Wide, true) => "correlation_tensor",
        (Tile::Wide, false) => "correlation",
    };
    Work {
        kernel: format!("{name}_{}", type_name(layer.dtype)),
        class: if tensor {
            Class::Correlation
        } else {
            Class::Fma
        },
        launches: if in_parts > 0 { 2 } else { 1 },
        blocks,
        rounds,
        flops: 2.0 * places * taps,
        done: 2.0 * terms_done as f64 * f64::from(products.max(1)),
        products,
        weights: (weights * layer.dtype.size() as u64) as f64,
        moved: VALUE * moved,
    }
}

/// Per phase of an axis the pixels of the image that are in it, and the taps
/// that they meet.
fn scattered(image: usize, a: &Convolution, axis: usize) -> Vec<[usize; 2]> {
    let stride = a.stride[axis];
    let phase = |phase| {
        let pixels = (0..image).filter(|pixel| (pixel + a.pad[axis]) % stride == phase);
        let taps = (0..a.kernel[axis]).filter(|tap| tap * a.dilation[axis] % stride == phase);
        [pixels.count(), taps.count()]
    };
    (0..stride).map(phase).collect()
}

/// Terms of an inner product that a block takes at a time, and the reads of
/// weights that its warps then make one after the other.
const TERMS: u64 = 512;
const ROUNDS: u64 = 8;

fn inner_product(layer: &Computed, direction: Direction, k: usize, tensor: bool) -> Work {
    let len = |dims: &[usize]| dims.iter().product::<usize>() as u32;
    let (inputs, outputs) = (len(&layer.input), len(&layer.output));
    let (terms, results) = match direction {
        Direction::Forward => (inputs, outputs),
        Direction::Back => (outputs, inputs),
    };
    let splits = dense::splits(terms, results);
    let [columns, samples, _] = dense::grid(results, k as u32, splits).map(u64::from);
    let part = u64::from(terms).div_ceil(TERMS).div_ceil(splits as u64) * TERMS;
    let parts = u64::from(terms).div_ceil(part);
    let products = products(layer.dtype, tensor);
    let in_parts = if splits > 1 { splits } else { 0 };
    let weights = f64::from(inputs) * f64::from(outputs);
    let moved = f64::from(terms) + f64::from(results) * (1.0 + 2.0 * f64::from(in_parts));
    let tensor = if tensor { "tensor_" } else { "" };
    let flops = 2.0 * weights * k as f64;
    // Samples are taken by 8, 16 of them share one reading of the weights.
    let padded = k.next_multiple_of(8) as f64 / k as f64;
    Work {
        kernel: format!(
            "dense_{}_{tensor}{}",
            suffix(direction),
            type_name(layer.dtype)
        ),
        class: Class::Dense,
        launches: if in_parts > 0 { 2 } else { 1 },
        blocks: columns * samples * parts,
        rounds: part / TERMS * ROUNDS,
        flops,
        done: flops * padded * f64::from(products.max(1)),
        products,
        weights: weights * layer.dtype.size() as f64 * samples as f64,
        moved: VALUE * moved * k as f64,
    }
}

/// The pixels between a generator whose output has one shape and a classifier
/// whose input has another: what the two steps of a direction ask for.
pub(crate) fn pixels(images: [&[usize]; 2], direction: Direction, k: usize) -> [Work; 2] {
    let [made, seen] = images.map(|dims| (k * dims.iter().product::<usize>()) as f64);
    let both = made.min(seen);
    let work = |name, values: [f64; 2]| Work::values(name, Class::Values, values, 2.0 * values[0]);
    match direction {
        Direction::Forward => [
            work("decode", [seen, both + seen]),
            work("encode", [seen, 2.0 * seen]),
        ],
        Direction::Back => [
            work("pull_encoded", [seen, 2.0 * seen]),
            work("pull_image", [made, 2.0 * both + made]),
        ],
    }
}
