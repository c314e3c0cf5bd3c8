//! Directories of runs, levels and comparisons in which a file is another: the
//! first byte says which, the others are what it holds.
#![no_main]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use inverse_set::compare::{CompareRequest, Comparison, Method};
use inverse_set::{
    Event, FinishedRun, Flow, Job, Levels, Pair, Request, finished_runs, write_report,
};

/// Which file is replaced, by its directory and its path in there.
const REPLACED: [(&str, &str); 10] = [
    ("run", "run.json"),
    ("run", "manifest.json"),
    ("run", "samples.safetensors"),
    ("run", "samples/00000.png"),
    ("unfinished", "run.json"),
    ("unfinished", "state.safetensors"),
    ("unfinished", "batches/000000.safetensors"),
    ("levels", "levels.json"),
    ("compare", "compare.json"),
    ("compare", "figure.safetensors"),
];

/// Most events of a run that is gone on with.
const MOST_EVENTS: usize = 8;

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

/// Samples a directory of each kind and keeps its files in memory.
fn fixture() -> Fixture {
    let folder = fuzz::folder();
    let at = |name: &str| folder.path().join(name);
    let go_on = &mut |_| Flow::Continue;
    let job = Job::new(fuzz::tiny(), &request()).expect("the request fits the pair");
    job.run(&at("run"), go_on).expect("it can be sampled");
    job.run(&at("unfinished"), &mut |event| match event {
        Event::Batch { .. } => Flow::Stop,
        _ => Flow::Continue,
    })
    .expect_err("it was stopped");
    levels()
        .run(&at("levels"), &mut |_| Flow::Continue)
        .expect("they can be sampled");

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
    for kind in ["run", "unfinished", "levels", "compare"] {
        collect(folder.path(), Path::new(kind), &mut files);
    }
    for (kind, name) in REPLACED {
        let path = Path::new(kind).join(name);
        assert!(
            files.iter().any(|(file, _)| *file == path),
            "there is no {}",
            path.display()
        );
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

libfuzzer_sys::fuzz_target!(init: drop(FIXTURE.set(fixture())), |data: &[u8]| {
    let fixture = FIXTURE.get().expect("it was made");
    let Some((&which, contents)) = data.split_first() else { return };
    let (kind, name) = REPLACED[usize::from(which) % REPLACED.len()];
    let folder = fuzz::folder();
    for (path, bytes) in fixture.files.iter().filter(|(path, _)| path.starts_with(kind)) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("there is room");
        fs::write(path, bytes).expect("there is room");
    }
    let directory = folder.path().join(kind);
    fs::write(directory.join(name), contents).expect("there is room");
    fuzz::within_memory(data.len(), || look(fixture, kind, &directory));
    let beside = fs::read_dir(folder.path()).expect("it was made");
    let beside: Vec<_> = beside.map(|entry| entry.expect("it is there").file_name()).collect();
    assert!(beside.iter().all(|name| name == kind), "{beside:?}");
});

/// Everything that works on a directory that is there.
fn look(fixture: &Fixture, kind: &str, directory: &Path) {
    let Fixture {
        pair,
        job,
        comparison,
        ..
    } = fixture;
    let _ = write_report(directory, pair);
    for run in finished_runs(directory).unwrap_or_default() {
        if let Ok(run) = FinishedRun::open(&run) {
            let _ = run.verify(pair, &mut |_, _| {});
        }
    }
    let events = Cell::new(0);
    let few = || {
        events.set(events.get() + 1);
        if events.get() < MOST_EVENTS {
            Flow::Continue
        } else {
            Flow::Stop
        }
    };
    match kind {
        "levels" => drop(levels().run(directory, &mut |_| few())),
        "compare" => {
            let mut comparison = comparison.lock().expect("one thread");
            drop(comparison.run(directory, &mut |_| few()));
        }
        _ => drop(job.run(directory, &mut |_| few())),
    }
}
