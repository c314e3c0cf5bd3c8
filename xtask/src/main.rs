//! Development tasks, run as `cargo xtask TASK`.

mod bars;
mod checks;
mod commands;
mod convert;
mod figures;
mod full_size;
mod instructions;
mod likeness;
mod manifest;
mod page;
mod peers;
mod ptx;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Development tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Make the network files under weights/ and note them in its manifest.
    #[command(subcommand)]
    ConvertWeights(convert::Recipe),
    /// Draw the pictures of docs/figures with the demo pair.
    Figures {
        /// Only these pictures.
        names: Vec<String>,
        /// Compare all methods in this directory instead, or go on there, and
        /// write the table of docs/sampling.md.
        #[arg(long, value_name = "DIR", conflicts_with = "names")]
        table: Option<PathBuf>,
    },
    /// Hold what `sampler-cli compare --neuron fc8:all` wrote to its bars.
    Bars {
        /// The directory of the comparison.
        directory: PathBuf,
    },
    /// Check the tree: arrows between crates, sizes and names of files, stamps.
    Tidy,
    /// Convert, measure and sample networks as large as the paper's, with
    /// random weights.
    FullSizeCheck {
        /// Leave the files where they were made.
        #[arg(long)]
        keep: bool,
    },
    /// Let PyTorch and candle make the same step in turn, and write the table
    /// of docs/performance.md.
    BenchPeers(peers::Options),
    /// Count the instructions of a step under callgrind and hold them to the
    /// recorded number.
    CountInstructions {
        /// Record the number instead.
        #[arg(long)]
        record: bool,
    },
    /// Compile the CUDA kernels: PTX, and what each kernel uses of a GPU.
    ///
    /// The compilers of CUDA 12.4 are fetched from the Python package index at
    /// the first time, unless NVRTC_LIBRARY and PTXAS name a libnvrtc.so.12 and
    /// a ptxas of that version. A new kernels/NAME.cu starts with its line in kernels/src/lib.rs and an empty
    /// kernels/ptx/NAME.ptx.
    Ptx {
        /// Hold them to the committed files instead.
        #[arg(long)]
        check: bool,
    },
    /// Run the checks that are too slow for CI.
    LongChecks,
    /// Run the checks that need a GPU: a CUDA device, and NVIDIA's
    /// compute-sanitizer.
    GpuChecks,
}

/// Where this package lies: cargo says it when it runs this program, so that a
/// copy of the repository is worked on and not the one that was built.
fn package() -> PathBuf {
    let said = std::env::var_os("CARGO_MANIFEST_DIR");
    said.map_or(env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

fn main() -> ExitCode {
    let package = package();
    let root = package.parent().expect("xtask lies in the repository");
    let done = match Task::parse() {
        Task::ConvertWeights(recipe) => convert::run(recipe, &root.join("weights")),
        Task::Figures { names, table } => figures::run(root, &names, table.as_deref()),
        Task::Bars { directory } => bars::run(&directory),
        Task::Tidy => tidy::run(root),
        Task::FullSizeCheck { keep } => full_size::run(root, keep),
        Task::BenchPeers(options) => peers::run(root, &options),
        Task::CountInstructions { record } => instructions::run(root, record),
        Task::Ptx { check } => ptx::run(root, check),
        Task::LongChecks => checks::long(root),
        Task::GpuChecks => checks::gpu(root),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
