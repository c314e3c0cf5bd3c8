//! Directories of results in which a file is another: the first byte says which,
//! the others are what it holds.
#![no_main]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use inverse_set::compare::{CompareRequest, Comparison, Method};
use inverse_set::{
    Atlas, AtlasRecord, Event, FinishedRun, Flow, Job, Levels, Needed, Pair, Request, Unfinished,
    Work, finished_runs, write_report,
};
use serde_json::Value;

/// Which file is replaced, by its directory and its path in there. The letters
/// from `a` on stand for them.
const REPLACED: [(&str, &str); 16] = [
    ("run", "run.json"),
    ("run", "manifest.json"),
    ("run", "samples.safetensors"),
    ("run", "samples/00000.png"),
    ("unfinished", "run.json"),
    ("unfinished", "state.safetensors"),
    ("unfinished", "batches/000000.safetensors"),
    ("unfinished", "manifest.json"),
    ("unfinished", ".lock"),
    ("levels", "levels.json"),
    ("compare", "compare.json"),
    ("compare", "figure.safetensors"),
    ("atlas", "atlas.json"),
    (
        "atlas",
        "00000-fc8-2-volcano--0.518284..-0.291715/manifest.json",
    ),
    ("atlas", "00001-fc8-0-crane-1000000..2000000/missed.json"),
    ("atlas", ".lock"),
];

/// Most events of what is gone on with.
const MOST_EVENTS: usize = 8;

/// Most of anything that a record may ask for.
const MOST_ASKED: f64 = 300.0;

/// A file that nothing may touch.
const BESIDE: &str = "beside";

struct Fixture {
    pair: Pair,
    job: Job,
    comparison: Mutex<Comparison>,
    /// Every file of every directory, by its path.
    files: Vec<(PathBuf, Vec<u8>)>,
}

fn request() -> Request {
    Request {
        neurons: vec!["fc8:volcano=c25..c75".into()],
        samples: 4,
        batch: 2,
        ..Request::default()
    }
}

fn levels() -> Levels {
    let request = Request {
        neurons: vec!["fc8:volcano=-0.6..-0.2".into()],
        samples: 4,
        ..Request::default()
    };
    Levels::new(fuzz::tiny(), &request, 2).expect("the levels fit the pair")
}

/// A neuron that is sampled and one that is missed.
fn atlas() -> Atlas {
    let pair = fuzz::tiny();
    let neurons = ["fc8:volcano=c25..c75", "fc8:0=1e6..2e6"];
    let neurons = neurons
        .iter()
        .flat_map(|text| pair.neurons(text).expect("the pair has it"));
    let neurons = neurons.collect();
    Atlas::new(pair, neurons, &request()).expect("the atlas fits the pair")
}

/// Samples a directory of each kind and keeps its files in memory.
fn fixture() -> Fixture {
    let folder = fuzz::folder();
    let at = |name: &str| folder.path().join(name);
    let go_on = &mut |_| Flow::Continue;
    let job = Job::new(fuzz::tiny(), &request()).expect("the request fits the pair");
    job.run(&at("run"), go_on).expect("it can be sampled");
    job.run(&at("unfinished"), &mut |event| match event {
        // All is sampled, so that going on costs little.
        Event::Batch {
            accepted, wanted, ..
        } if accepted == wanted => Flow::Stop,
        _ => Flow::Continue,
    })
    .expect_err("it was stopped");
    levels()
        .run(&at("levels"), &mut |_| Flow::Continue)
        .expect("they can be sampled");
    atlas()
        .run(&at("atlas"), &mut |_| Flow::Continue)
        .expect("it can be sampled");

    let [classifier, _] = fuzz::tiny_files();
    let many = Request {
        samples: 24,
        ..request()
    };
    let many = Job::new(fuzz::tiny(), &many).expect("the request fits the pair");
    many.run(&at("references"), go_on)
        .expect("it can be sampled");
    let request = CompareRequest {
        sample: request(),
        methods: vec![Method::Random, Method::Dataset],
        seeds: 1,
        evals_per_sample: Some(2.0),
        reference: Some(at("references/samples.safetensors").into()),
        judge: Some(classifier.into()),
        judge_layer: Some("relu7".into()),
    };
    let mut comparison = Comparison::new(fuzz::tiny(), &request).expect("it fits the pair");
    comparison
        .run(&at("compare"), &mut |_| Flow::Continue)
        .expect("they can be compared");

    let mut files = Vec::new();
    for kind in ["run", "unfinished", "levels", "compare", "atlas"] {
        collect(folder.path(), Path::new(kind), &mut files);
    }
    for (kind, name) in REPLACED {
        let path = Path::new(kind).join(name);
        // What marks results as finished or as taken is put there.
        let is_new = name == ".lock" || path == Path::new("unfinished/manifest.json");
        let is_there = files.iter().any(|(file, _)| *file == path);
        assert!(is_there != is_new, "{}", path.display());
    }
    Fixture {
        pair: fuzz::tiny(),
        job,
        comparison: Mutex::new(comparison),
        files,
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(root.join(folder)).expect("it was made") {
        let path = folder.join(entry.expect("it can be listed").file_name());
        match root.join(&path).is_dir() {
            true => collect(root, &path, files),
            false => {
                let bytes = fs::read(root.join(&path)).expect("it was written");
                files.push((path, bytes));
            }
        }
    }
}

static FIXTURE: OnceLock<Fixture> = OnceLock::new();

// What is made once does not count as the first input's time.
libfuzzer_sys::fuzz_target!(init: { FIXTURE.get_or_init(fixture); }, |data: &[u8]| {
    let fixture = FIXTURE.get().expect("it was made");
    let Some((&which, contents)) = data.split_first() else {
        return;
    };
    let (kind, name) = REPLACED[usize::from(which.wrapping_sub(b'a')) % REPLACED.len()];
    if name == ".lock" && serde_json::from_slice::<Value>(contents).is_ok() {
        // It may name another machine, whose process is waited for.
        return;
    }
    let folder = fuzz::folder();
    for (path, bytes) in fixture
        .files
        .iter()
        .filter(|(path, _)| path.starts_with(kind))
    {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("there is room");
        fs::write(path, bytes).expect("there is room");
    }
    let directory = folder.path().join(kind);
    fs::write(directory.join(name), contents).expect("there is room");
    let beside = folder.path().join(BESIDE);
    fs::write(&beside, BESIDE).expect("there is room");
    fuzz::within_memory(data.len(), || look(fixture, kind, &directory, contents));
    assert_eq!(
        fs::read(beside).expect("it is left alone"),
        BESIDE.as_bytes()
    );
    let found = fs::read_dir(folder.path()).expect("it was made");
    let mut found = found.map(|entry| entry.expect("it is there").file_name());
    assert!(
        found.all(|name| name == kind || name == BESIDE),
        "something was written beside it"
    );
});

/// Everything that works on a directory that is there.
fn look(fixture: &Fixture, kind: &str, directory: &Path, contents: &[u8]) {
    let Fixture {
        pair,
        job,
        comparison,
        ..
    } = fixture;
    let _ = Needed::of(directory);
    let _ = AtlasRecord::of(directory);
    let _ = write_report(directory, pair);
    for run in finished_runs(directory).unwrap_or_default() {
        if let Ok(run) = FinishedRun::open(&run) {
            let _ = run.verify(pair, &mut |_, _| {});
        }
    }
    if !asks_for_little(contents) {
        return;
    }
    let _ = go_on(directory);
    let mut few = few();
    match kind {
        "levels" => drop(levels().run(directory, &mut |_| few())),
        "atlas" => drop(atlas().run(directory, &mut |_| few())),
        "compare" => {
            let mut comparison = comparison.lock().expect("one thread");
            drop(comparison.run(directory, &mut |_| few()));
        }
        _ => drop(job.run(directory, &mut |_| few())),
    }
}

/// Goes on with what the directory itself says was asked for.
fn go_on(directory: &Path) -> Result<(), inverse_set::Error> {
    let unfinished = Unfinished::of(directory)?;
    let _ = (unfinished.needed(), unfinished.encoder());
    let mut few = few();
    match unfinished.work(fuzz::tiny(), None, None)? {
        Work::Run(job) => job.run(directory, &mut |_| few()).map(drop),
        Work::Levels(levels) => levels.run(directory, &mut |_| few()).map(drop),
        Work::Atlas(atlas) => atlas.run(directory, &mut |_| few()).map(drop),
    }
}

/// Stops what takes long.
fn few() -> impl FnMut() -> Flow {
    let events = Cell::new(0);
    move || {
        events.set(events.get() + 1);
        if events.get() < MOST_EVENTS {
            Flow::Continue
        } else {
            Flow::Stop
        }
    }
}

/// Whether what a record asks for costs little: a person may ask for much, and
/// then gets it.
fn asks_for_little(contents: &[u8]) -> bool {
    let Ok(record) = serde_json::from_slice::<Value>(contents) else {
        return true;
    };
    let places = ["/sampler", "/request/sampler"];
    places
        .iter()
        .filter_map(|place| record.pointer(place)?.as_object())
        .all(|options| {
            let small = |name: &String| name == "seed" || name == "reservoir";
            options.iter().all(|(name, value)| {
                small(name) || value.as_f64().is_none_or(|value| value < MOST_ASKED)
            })
        })
}
