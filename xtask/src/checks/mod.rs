//! Checks that are commands: those that are too slow for CI, and those that
//! need a GPU.

mod gpu;
mod long;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One check: commands that must all succeed, run from the repository's root.
struct Check {
    name: String,
    commands: Vec<Vec<String>>,
}

/// `cargo xtask long-checks`.
pub(crate) fn long(root: &Path) -> Result<()> {
    run(root, long::checks)
}

/// `cargo xtask gpu-checks`.
pub(crate) fn gpu(root: &Path) -> Result<()> {
    run(root, gpu::checks)
}

/// A command in words, then arguments that may hold blanks.
fn words(command: &str, arguments: &[&str]) -> Vec<String> {
    let words = command.split_whitespace().chain(arguments.iter().copied());
    words.map(str::to_owned).collect()
}

/// Runs all checks one after another and closes with a table. Fails if one of
/// them failed.
fn run(root: &Path, checks: fn(&Path) -> Vec<Check>) -> Result<()> {
    let temporary = std::env::temp_dir().join(format!("checks-{}", std::process::id()));
    std::fs::create_dir_all(&temporary)
        .with_context(|| format!("creating {}", temporary.display()))?;
    let mut rows = Vec::new();
    for check in checks(&temporary) {
        println!("== {}", check.name);
        let start = Instant::now();
        let done = check
            .commands
            .iter()
            .try_for_each(|command| execute(root, command));
        if let Err(error) = &done {
            println!("{error:#}");
        }
        rows.push((check.name, done.is_ok(), start.elapsed()));
    }
    std::fs::remove_dir_all(&temporary)
        .with_context(|| format!("removing {}", temporary.display()))?;
    report(&rows)
}

fn execute(root: &Path, command: &[String]) -> Result<()> {
    let text = command.join(" ");
    println!("$ {text}");
    let status = Command::new(&command[0])
        .args(&command[1..])
        .current_dir(root)
        .status()
        .with_context(|| format!("running {text}"))?;
    if !status.success() {
        bail!("{text}: {status}");
    }
    Ok(())
}

fn report(rows: &[(String, bool, Duration)]) -> Result<()> {
    println!("\n{:<6} {:>8}  check", "result", "seconds");
    for (name, passed, time) in rows {
        let result = if *passed { "ok" } else { "FAILED" };
        println!("{result:<6} {:>8.1}  {name}", time.as_secs_f64());
    }
    let failed = rows.iter().filter(|(_, passed, _)| !passed).count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", rows.len());
    }
    Ok(())
}
