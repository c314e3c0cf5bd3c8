//! `cargo bench -p kernels`: every op of the pairs on a CUDA device, and where
//! there is none, what is known of the kernels without one.

mod budget;
mod estimate;
#[path = "../../../crates/engine/benches/cpu/full_size.rs"]
mod full_size;
mod machine;
mod ops;
mod pairs;
mod timing;
mod work;

use engine::{Device, Error};

use budget::Budget;
use pairs::Pair;
use timing::Bench;

const HELP: &str = "\
cargo bench -p kernels -- [OPTIONS]

  --only PART    report: what each kernel uses of each architecture, as ptxas
                 reported it (kernels/budget.toml), and its occupancy
                 ops: every op of the pairs, forward and back. On a CUDA device
                 the median of 9 times by the device's events; without one,
                 arithmetic and bytes, and which of them bounds it on an H100
                 estimate: the tables of docs/gpu.md, as Markdown
                 (report and ops if not given)
  --k N          samples (10)
  --pair NAME    full: CaffeNet and the generator from its fc6, random weights
                 demo: the pair in weights/fashion
                 (both if not given, but on a simulated device the demo)
  --layer NAME   this layer alone; pixels: what lies between the networks
  --device N     CUDA device N (0)
";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Report,
    Ops,
    Estimate,
}

struct Options {
    only: Option<Part>,
    k: usize,
    /// Full size, demo.
    pairs: Option<[bool; 2]>,
    layer: Option<String>,
    device: usize,
}

impl Options {
    fn parse() -> Options {
        let mut options = Options {
            only: None,
            k: 10,
            pairs: None,
            layer: None,
            device: 0,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| wrong(&name));
            match name.as_str() {
                "--only" => {
                    options.only = Some(match value().as_str() {
                        "report" => Part::Report,
                        "ops" => Part::Ops,
                        "estimate" => Part::Estimate,
                        other => wrong(other),
                    })
                }
                "--k" => options.k = number(&value()).max(1),
                "--pair" => {
                    options.pairs = Some(match value().as_str() {
                        "full" => [true, false],
                        "demo" => [false, true],
                        other => wrong(other),
                    })
                }
                "--layer" => options.layer = Some(value()),
                "--device" => options.device = number(&value()),
                "--help" => {
                    print!("{HELP}");
                    std::process::exit(0)
                }
                // Cargo says so to every benchmark.
                "--bench" => {}
                other => wrong(other),
            }
        }
        options
    }

    /// The pairs that are asked for, or those by default.
    fn pairs(&self, default: [bool; 2]) -> Vec<Pair> {
        let [full_size, demo] = self.pairs.unwrap_or(default);
        let full_size = full_size.then(Pair::full_size);
        full_size.into_iter().chain(demo.then(Pair::demo)).collect()
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| wrong(text))
}

fn wrong<T>(what: &str) -> T {
    eprintln!("reading the options: not understood: {what}; see --help");
    std::process::exit(2)
}

fn main() {
    let options = Options::parse();
    let wants = |part| options.only.is_none_or(|only| only == part);
    if wants(Part::Report) {
        print!("{}", Budget::read().table());
    }
    if wants(Part::Ops) {
        ops(&options);
    }
    if options.only == Some(Part::Estimate) {
        estimate::print(&Pair::full_size(), &Pair::demo(), options.k);
    }
}

fn ops(options: &Options) {
    let only = options.layer.as_deref();
    match Device::cuda(options.device, Some(1)) {
        Err(error) => {
            let reason = match error {
                Error::NoCuda { reason } => reason,
                other => other.to_string(),
            };
            println!("\nNothing is timed: {reason}");
            for pair in options.pairs([true, true]) {
                ops::print(&pair, options.k, only);
            }
        }
        Ok(device) => {
            let mut bench = Bench::new(device, options.device, options.k);
            for pair in options.pairs([!bench.is_simulated(), true]) {
                bench.run(&pair, only);
            }
        }
    }
}
