//! Every op against its meaning.
//!
//! `rows` lists the cases: one op, its input shapes, the type of its weights
//! and a tolerance. Each is run forward and backward by the engine and by the
//! f64 `engine::reference`. `cuda` does the same on a CUDA device. `geometry` draws more of the ops that have much
//! geometry, and `golden` holds both against PyTorch.

mod case;
mod compare;
mod cuda;
mod geometry;
mod golden;
mod rows;
mod single_op;

use libtest_mimic::{Arguments, Trial};

/// A test that needs no arguments.
type Check = fn() -> Result<(), String>;

fn main() {
    let arguments = Arguments::from_args();
    let rows = rows::all().into_iter().map(|case| {
        let name = format!("{}_{:?}", case.name, case.dtype).to_lowercase();
        trial(name, move || case.check(&case::ON_CPU))
    });
    let on_cuda = rows::all().into_iter().enumerate().map(|(index, case)| {
        let name = format!("cuda_{}_{:?}", case.name, case.dtype).to_lowercase();
        trial(name, move || cuda::check(&case, index))
    });
    let golden = golden::cases().into_iter().map(|case| {
        let name = format!("golden_{}", case.name);
        trial(name, move || case.check())
    });
    let others: [(&str, Check); 5] = [
        ("comparator_refuses_nan", compare::refuses_nan),
        ("comparator_shows_worst", compare::shows_first_and_worst),
        ("geometry_convolution", geometry::convolution),
        ("geometry_transposed", geometry::transposed_convolution),
        ("geometry_pool", geometry::pool),
    ];
    let others = others.map(|(name, check)| trial(name, check));
    let trials = rows.chain(on_cuda).chain(golden).chain(others).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(
    name: impl Into<String>,
    check: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> Trial {
    Trial::test(name, || check().map_err(Into::into))
}
