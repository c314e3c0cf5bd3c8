//! The work that is interrupted, on the tiny pair.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use inverse_set::{
    Atlas, AtlasEvent, Device, Event, Flow, Job, LevelEvent, Levels, Pair, Request, StoredImages,
};

/// What is done in a folder, and told of it: how many samples were accepted so
/// far, whenever some were. It may fail with a message.
pub(crate) type Work = fn(&Path, &mut dyn FnMut(usize)) -> Result<(), String>;

fn pair() -> Pair {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights");
    let [classifier, generator] = Pair::files(&weights, "tiny");
    let device = Device::cpu(Some(1)).unwrap();
    Pair::open(&classifier, &generator, &device).unwrap()
}

fn request() -> Request {
    Request {
        neurons: vec!["fc8:volcano=c25..c75".into()],
        samples: 5,
        batch: 2,
        ..Request::default()
    }
}

/// A run of three batches.
pub(crate) fn sample(folder: &Path, accepted: &mut dyn FnMut(usize)) -> Result<(), String> {
    let job = Job::new(pair(), &request()).unwrap();
    let told = job.run(&folder.join("a/run"), &mut |event| {
        if let Event::Batch { accepted: n, .. } = event {
            accepted(n);
        }
        Flow::Continue
    });
    told.map(drop).map_err(|error| error.to_string())
}

/// Two levels of one batch each.
pub(crate) fn levels(folder: &Path, accepted: &mut dyn FnMut(usize)) -> Result<(), String> {
    let request = Request {
        neurons: vec!["fc8:volcano=p5..p60".into()],
        samples: 2,
        images: StoredImages::Tensor,
        ..request()
    };
    let (mut level, mut before) = (0, 0);
    let told =
        Levels::new(pair(), &request, 2)
            .unwrap()
            .run(&folder.join("levels"), &mut |event| {
                match event {
                    LevelEvent::Begins { index, .. } => (level, before) = (index, 0),
                    LevelEvent::Goes(Event::Batch { accepted: n, .. }) => {
                        before = n;
                        accepted(level * 2 + before);
                    }
                    _ => {}
                }
                Flow::Continue
            });
    told.map(drop).map_err(|error| error.to_string())
}

/// An atlas of a neuron of one batch, and of one that is missed.
pub(crate) fn atlas(folder: &Path, accepted: &mut dyn FnMut(usize)) -> Result<(), String> {
    let request = Request {
        samples: 2,
        images: StoredImages::Tensor,
        ..request()
    };
    let pair = pair();
    let neurons = ["fc8:volcano", "fc8:0=1000000.."];
    let neurons = neurons.map(|text| pair.neurons(text).unwrap()).concat();
    let mut before = 0;
    let told =
        Atlas::new(pair, neurons, &request)
            .unwrap()
            .run(&folder.join("atlas"), &mut |event| {
                match event {
                    AtlasEvent::Begins { index, .. } => before = index * 2,
                    AtlasEvent::Goes(Event::Batch { accepted: n, .. }) => accepted(before + n),
                    _ => {}
                }
                Flow::Continue
            });
    told.map(drop).map_err(|error| error.to_string())
}

/// Every file below a folder that must be equal in equal runs.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy();
            if path.is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                folders.push(path);
            } else if !name.ends_with("log.jsonl") {
                found.insert(name.into_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Does the work again in a folder that an interruption left, where `before`
/// samples had been accepted, and compares the result.
pub(crate) fn assert_goes_on(
    work: Work,
    folder: &Path,
    before: usize,
    whole: &BTreeMap<String, Vec<u8>>,
    when: &str,
) {
    let mut next = None;
    let done = work(folder, &mut |accepted| {
        next.get_or_insert(accepted);
    });
    done.unwrap_or_else(|error| panic!("{when}: {error}"));
    assert!(
        next.is_none_or(|accepted| accepted > before),
        "{when}: {before} samples were accepted, and then {next:?} again"
    );
    let found = tree(folder);
    assert!(found.keys().eq(whole.keys()), "{when}: {:?}", found.keys());
    for (name, bytes) in whole {
        assert!(found[name] == *bytes, "{when}: {name} differs");
    }
}
