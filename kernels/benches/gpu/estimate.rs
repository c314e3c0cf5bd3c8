//! An estimate, from the sizes of the layers and the data sheet of an H100, of
//! what a step takes there. Printed as Markdown for `docs/gpu.md`.

use crate::budget::Budget;
use crate::machine::H100;
use crate::pairs::{Computed, Pair};
use crate::work::{self, Class, DIRECTIONS, Direction, Work};

/// From the end of a kernel of a graph to the work of the next, in seconds.
const LAUNCH: f64 = 2.5e-6;

/// What kernels of a class are assumed to reach.
struct Assumption {
    class: Class,
    name: &'static str,
    /// Of the arithmetic of the data sheet.
    arithmetic: f64,
    /// Of the memory's rate.
    memory: f64,
    /// Seconds of one of a block's rounds.
    round: f64,
    why: &'static str,
}

const ASSUMPTIONS: [Assumption; 5] = [
    Assumption {
        class: Class::Correlation,
        name: "convolutions on tensor cores",
        arithmetic: 0.25,
        memory: 0.6,
        round: 0.5e-6,
        why: "`mma.sync` reaches about 60 % of what Hopper's own instructions do; \
              splitting values in two, reading and indexing take about as many \
              instruction slots as the products; a round is a read that only the \
              products of the round before hide",
    },
    Assumption {
        class: Class::Fma,
        name: "convolutions to a few channels",
        arithmetic: 0.2,
        memory: 0.6,
        round: 0.5e-6,
        why: "two reads of shared memory for four multiplications, which it feeds \
              at a third of their rate at most",
    },
    Assumption {
        class: Class::Dense,
        name: "inner products",
        arithmetic: 0.25,
        memory: 0.5,
        round: 0.8e-6,
        why: "weights go straight to registers, a few reads of a warp in flight; at \
              a quarter of the warps that is just enough to cover a read's latency",
    },
    Assumption {
        class: Class::Neighbours,
        name: "pooling and normalisation",
        arithmetic: 0.2,
        memory: 0.5,
        round: 0.8e-6,
        why: "neighbours come from the first cache, after index arithmetic",
    },
    Assumption {
        class: Class::Values,
        name: "pixels and copies",
        arithmetic: 0.2,
        memory: 0.7,
        round: 0.8e-6,
        why: "each value is read once, side by side",
    },
];

fn assumed(class: Class) -> &'static Assumption {
    let mut all = ASSUMPTIONS.iter();
    let found = all.find(|assumption| assumption.class == class);
    found.expect("there is one for every class")
}

/// Seconds of one pass of a layer, by what may bound it.
struct Estimate {
    arithmetic: f64,
    memory: f64,
    rounds: f64,
    launches: f64,
}

impl Estimate {
    fn of(work: &Work, at_once: u32) -> Estimate {
        let assumed = assumed(work.class);
        let peak = if work.products > 0 {
            H100.tensor
        } else {
            H100.fma
        };
        let blocks = work.blocks.max(1);
        // The multiprocessor that is given the most blocks ends last.
        let most = blocks.div_ceil(H100.multiprocessors);
        let share = blocks as f64 / (most * H100.multiprocessors) as f64;
        let turns = most.div_ceil(at_once.into());
        Estimate {
            arithmetic: work.done / (peak * assumed.arithmetic * share),
            memory: work.bytes() / (H100.memory * assumed.memory),
            rounds: (turns * work.rounds) as f64 * assumed.round,
            launches: f64::from(work.launches) * LAUNCH,
        }
    }

    fn total(&self) -> f64 {
        self.arithmetic.max(self.memory).max(self.rounds) + self.launches
    }
}

/// What was added up over the rows of a table.
#[derive(Default)]
struct Sums {
    launches: u32,
    flops: f64,
    done: f64,
    weights: f64,
    moved: f64,
    seconds: f64,
    launching: f64,
    /// Seconds by class, as they are listed above.
    by_class: [f64; ASSUMPTIONS.len()],
}

pub(crate) fn print(full_size: &Pair, demo: &Pair, k: usize) {
    let budget = Budget::read();
    println!("Estimated, not measured: K = {k}, one H100 SXM.\n");
    println!("| kernels | of the arithmetic | of the memory's rate | a round | why |");
    println!("|---|---|---|---|---|");
    for of in &ASSUMPTIONS {
        println!(
            "| {} | {:.0} % | {:.0} % | {:.1} µs | {} |",
            of.name,
            100.0 * of.arithmetic,
            100.0 * of.memory,
            1e6 * of.round,
            of.why
        );
    }
    let mut step = Sums::default();
    for direction in DIRECTIONS {
        let title = match direction {
            Direction::Forward => "Forward",
            Direction::Back => "Back",
        };
        println!("\n{title}, full size:\n");
        println!("{HEADING}");
        let mut sums = Sums::default();
        for (layer, work) in works(full_size, direction, k) {
            row(&budget, &layer, &work);
            sums.add(&work, &budget);
            step.add(&work, &budget);
        }
        sums.print();
    }
    let ms = 1e3 * step.seconds;
    println!("\nA step of the full-size pair: about {ms:.1} ms. Of that are\n");
    for (of, seconds) in ASSUMPTIONS.iter().zip(step.by_class) {
        let percent = 100.0 * seconds / step.seconds;
        println!("- {}: {:.0} µs, {percent:.0} %", of.name, 1e6 * seconds);
    }
    println!(
        "\nThe {} launches, {:.0} µs in all, are part of these.",
        step.launches,
        1e6 * step.launching
    );
    let mut small = Sums::default();
    for direction in DIRECTIONS {
        for (_, work) in works(demo, direction, k) {
            small.add(&work, &budget);
        }
    }
    println!(
        "A step of the demo pair by the same arithmetic: about {:.1} ms, of which its {} launches \
         are {:.1} ms.",
        1e3 * small.seconds,
        small.launches,
        1e3 * small.launching
    );
}

const HEADING: &str = "\
| layer | kernel | launches | blocks | occupancy | GFLOP | GFLOP done | MB of weights \
| MB of values | µs by arithmetic | by memory | by rounds | µs |
|---|---|---|---|---|---|---|---|---|---|---|---|---|";

/// Everything that a direction of a step asks for, in its order.
fn works(pair: &Pair, direction: Direction, k: usize) -> Vec<(String, Work)> {
    let layers = pair.layers();
    let [generator, classifier] = &layers;
    let of = |layers: &[Computed]| {
        let work = |layer: &Computed| (layer.name.clone(), Work::of(layer, direction, k, true));
        layers.iter().map(work).collect::<Vec<_>>()
    };
    let pixels = work::pixels(Pair::images(&layers), direction, k);
    let pixels = pixels.map(|work| ("pixels".to_owned(), work));
    let mut all: Vec<(String, Work)> = match direction {
        Direction::Forward => of(generator)
            .into_iter()
            .chain(pixels)
            .chain(of(classifier))
            .collect(),
        Direction::Back => {
            let classifier = of(classifier).into_iter().rev();
            let generator = of(generator).into_iter().rev();
            classifier.chain(pixels).chain(generator).collect()
        }
    };
    // No score that a sampler reads lies behind the last inner product.
    all.retain(|(_, work)| !work.kernel.starts_with("softmax"));
    all
}

fn row(budget: &Budget, layer: &str, work: &Work) {
    let (at_once, occupancy) = budget.occupancy(&work.kernel, H100.capability);
    let estimate = Estimate::of(work, at_once);
    println!(
        "| `{layer}` | `{}` | {} | {} | {:.0} % | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
        work.kernel,
        work.launches,
        work.blocks,
        100.0 * occupancy,
        work.flops / 1e9,
        work.done / 1e9,
        work.weights / 1e6,
        work.moved / 1e6,
        1e6 * estimate.arithmetic,
        1e6 * estimate.memory,
        1e6 * estimate.rounds,
        1e6 * estimate.total()
    );
}

impl Sums {
    fn add(&mut self, work: &Work, budget: &Budget) {
        let (at_once, _) = budget.occupancy(&work.kernel, H100.capability);
        let estimate = Estimate::of(work, at_once);
        self.launches += work.launches;
        self.flops += work.flops;
        self.done += work.done;
        self.weights += work.weights;
        self.moved += work.moved;
        self.seconds += estimate.total();
        self.launching += estimate.launches;
        let mut classes = self.by_class.iter_mut().zip(&ASSUMPTIONS);
        let own = classes.find(|(_, of)| of.class == work.class);
        *own.expect("there is one for every class").0 += estimate.total();
    }

    fn print(&self) {
        println!(
            "| **sum** | | {} | | | {:.1} | {:.1} | {:.1} | {:.1} | | | | **{:.0}** |",
            self.launches,
            self.flops / 1e9,
            self.done / 1e9,
            self.weights / 1e6,
            self.moved / 1e6,
            1e6 * self.seconds
        );
    }
}
