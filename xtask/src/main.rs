//! Development tasks, run as `cargo xtask TASK`.

mod convert;
mod full_size;
mod long_checks;
mod manifest;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

/// Development tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Make the network files under weights/ and note them in its manifest.
    #[command(subcommand)]
    ConvertWeights(convert::Recipe),
    /// Check the tree: arrows between crates, sizes and names of files, stamps.
    Tidy,
    /// Convert, measure and sample networks as large as the paper's, with
    /// random weights.
    FullSizeCheck {
        /// Leave the files where they were made.
        #[arg(long)]
        keep: bool,
    },
    /// Run the checks that are too slow for CI.
    LongChecks,
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository");
    let done = match Task::parse() {
        Task::ConvertWeights(recipe) => convert::run(recipe, &root.join("weights")),
        Task::Tidy => tidy::run(root),
        Task::FullSizeCheck { keep } => full_size::run(root, keep),
        Task::LongChecks => long_checks::run(root),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
