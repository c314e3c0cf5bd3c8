//! Plans: written, run shard by shard, merged.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Result, anyhow};
use inverse_set::{Atlas, AtlasEntry, Plan, quoted, thousands};

use super::{Output, Telling, closing};
use crate::failure::{of_work, of_work_resumed_by, one_line};
use crate::networks::NetworkArguments;
use crate::recorded::{Near, look_for_encoder};

/// Writes a plan, and says what to do with it.
pub(super) fn write(file: &Path, plan: &Plan) -> Result<()> {
    plan.write(file)?;
    let (name, last) = (word(file), plan.shards - 1);
    let mut out = io::stdout().lock();
    writeln!(out, "neurons    {}", thousands(plan.request.count() as u64))?;
    writeln!(out, "shards     {}", thousands(plan.shards as u64))?;
    writeln!(out, "plan       {}", one_line(&file.to_string_lossy()))?;
    writeln!(out, "directory  {}", one_line(&plan.out.to_string_lossy()))?;
    writeln!(out, "\non a Slurm cluster:")?;
    writeln!(
        out,
        "  sbatch --array=0-{last} docs/slurm/atlas.sbatch {name}"
    )?;
    // It would put numbers in place of braces.
    if !name.contains('{') {
        writeln!(out, "or on one machine, with GNU parallel:")?;
        writeln!(
            out,
            "  seq 0 {last} | parallel -q sampler-cli atlas --run {name} --shard {{}} --threads 1 --quiet"
        )?;
    }
    writeln!(out, "then, for the page:")?;
    writeln!(out, "  sampler-cli atlas --merge {name}")?;
    Ok(())
}

/// Samples a shard.
pub(super) fn run(
    file: &Path,
    shard: usize,
    networks: NetworkArguments,
    output: Output,
) -> Result<()> {
    let plan = Plan::read(file)?;
    let shard = plan.shard(shard)?;
    let atlas = open(&plan, file, networks)?;
    let mut telling = Telling::new(&atlas, &plan.out, output)?;
    let entries = atlas.run_shard(&plan.out, shard, &mut |event| telling.tell(&event));
    // The bar goes before anything else is printed.
    telling.progress = None;
    let entries = entries.map_err(|error| {
        let (file, index) = (word(file), shard.index);
        let resume = format!("sampler-cli atlas --run {file} --shard {index}");
        of_work_resumed_by(error, &plan.out, resume)
    })?;
    if telling.finish(&entries)? {
        closing::show_shard(shard, &plan.out, &entries, &mut io::stdout().lock())?;
    }
    Ok(())
}

/// Gathers what is done.
pub(super) fn merge(file: &Path, networks: NetworkArguments, output: Output) -> Result<()> {
    let plan = Plan::read(file)?;
    let atlas = open(&plan, file, networks)?;
    let telling = Telling::new(&atlas, &plan.out, output)?;
    let entries = atlas.merge(&plan.out);
    let entries = entries.map_err(|error| of_work(error, &plan.out))?;
    let waiting: Vec<&AtlasEntry> = entries
        .iter()
        .filter(|entry| entry.outcome.is_none())
        .collect();
    if waiting.is_empty() {
        if telling.finish(&entries)? {
            closing::show(&plan.out, &entries, &mut io::stdout().lock())?;
        }
        return closing::reached(&entries);
    }
    let shard = |entry: &&AtlasEntry| entry.index % plan.shards;
    if !output.json {
        let mut out = io::stdout().lock();
        for entry in &waiting {
            writeln!(
                out,
                "not done: {} in {}, of shard {}",
                entry.neuron,
                entry.neuron.range(),
                shard(entry)
            )?;
        }
    }
    let mut shards: Vec<usize> = waiting.iter().map(shard).collect();
    shards.sort_unstable();
    shards.dedup();
    Err(anyhow!(
        "merging {}: {} of {} neurons are not done; run {} {} again, then merge again",
        file.display(),
        waiting.len(),
        entries.len(),
        if shards.len() == 1 { "shard" } else { "shards" },
        ranges(&shards)
    ))
}

/// The atlas of a plan.
fn open(plan: &Plan, file: &Path, networks: NetworkArguments) -> Result<Atlas> {
    let places = &plan.networks;
    let classifier = places.classifier.file.as_deref();
    let generator = places
        .generator
        .as_ref()
        .and_then(|place| place.file.as_deref());
    let encoder = places
        .encoder
        .as_ref()
        .and_then(|place| place.file.as_deref());
    let files = [classifier, generator, encoder];
    let folder = file.parent().unwrap_or(Path::new(""));
    let near = Near::folder(folder).with_files(files.into_iter().flatten());
    let pair = networks
        .recorded()
        .open_near(&plan.request.needed(), &near)?;
    let encoder = plan.request.encoder();
    let encoder = encoder
        .map(|record| look_for_encoder(record, &near))
        .transpose()?;
    Ok(Atlas::again(pair, encoder, &plan.request, file)?)
}

/// A path as a shell reads it; one that begins with a hyphen is no option.
fn word(file: &Path) -> String {
    let text = file.to_string_lossy();
    let text = match text.starts_with('-') {
        true => format!("./{text}"),
        false => text.into_owned(),
    };
    one_line(&quoted(&text))
}

/// `0-3,7`: ascending numbers, as an array of Slurm takes them.
fn ranges(numbers: &[usize]) -> String {
    let mut ranges: Vec<[usize; 2]> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some([_, last]) if *last + 1 == number => *last = number,
            _ => ranges.push([number; 2]),
        }
    }
    let text = |&[first, last]: &[usize; 2]| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    ranges.iter().map(text).collect::<Vec<String>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_a_range() {
        assert_eq!(ranges(&[0, 1, 2, 3, 7]), "0-3,7");
        assert_eq!(ranges(&[5]), "5");
        assert_eq!(ranges(&[1, 3, 4]), "1,3-4");
    }

    #[test]
    fn a_path_is_one_harmless_word() {
        for (path, expected) in [
            ("plan.json", "plan.json"),
            ("my plan.json", "'my plan.json'"),
            ("$(touch x)'.json", r"'$(touch x)'\''.json'"),
            ("-n.json", "./-n.json"),
        ] {
            assert_eq!(word(Path::new(path)), expected);
        }
    }
}
