use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::{StoredImages, pair};

fn tiny() -> Pair {
    pair::tiny(&Device::cpu(Some(1)).unwrap())
}

fn request() -> Request {
    Request {
        samples: 3,
        batch: 4,
        images: StoredImages::Tensor,
        ..Request::default()
    }
}

fn atlas(texts: &[String]) -> Atlas {
    let pair = tiny();
    let neurons = texts.iter().flat_map(|text| pair.neurons(text).unwrap());
    let neurons = neurons.collect();
    Atlas::new(pair, neurons, &request()).unwrap()
}

#[test]
fn a_stop_is_no_miss_and_the_record_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    let asked = ["fc8:0..2".to_owned()];
    let go = &mut |_: AtlasEvent<'_>| Flow::Continue;
    let entries = atlas(&asked).run(&whole, go).unwrap();
    assert_eq!(entries.len(), 3);

    // Before the second neuron, then in the midst of it.
    for steps in [0, 1] {
        let mut steps = steps;
        let ended = atlas(&asked).run(&stopped, &mut |event| match event {
            AtlasEvent::Begins { index: 1, .. } if steps == 0 => Flow::Stop,
            AtlasEvent::Goes(_) if stopped.join("atlas.json").exists() && steps == 1 => {
                steps = 2;
                Flow::Stop
            }
            _ => Flow::Continue,
        });
        assert!(ended.is_err());
    }
    let record = AtlasRecord::of(&stopped).unwrap();
    let again = Atlas::again(tiny(), None, &record, &stopped).unwrap();
    let found = again.run(&stopped, go).unwrap();
    assert!(
        found
            .iter()
            .all(|entry| matches!(entry.outcome, Some(Outcome::Sampled(_))))
    );
    for name in ["atlas.json", "report.html"] {
        assert!(fs::read(whole.join(name)).unwrap() == fs::read(stopped.join(name)).unwrap());
    }
}

/// An atlas of as many neurons as a page shows: one that was sampled, and copies
/// of its run with other ranges.
#[test]
fn the_page_of_the_most_neurons_is_small() {
    let folder = tempfile::tempdir().unwrap();
    let sampled = folder.path().join("sampled");
    let [one] = &atlas(&["fc8:2=c25..".to_owned()])
        .run(&sampled, &mut |_| Flow::Continue)
        .unwrap()[..]
    else {
        panic!("one neuron was asked for");
    };
    let run = sampled.join(super::folder(0, &one.neuron));
    let record: Value = serde_json::from_slice(&fs::read(run.join("run.json")).unwrap()).unwrap();
    let texts: Vec<String> = (1..=4096)
        .map(|i| format!("fc8:2={:?}..", one.neuron.lo - f64::from(i) / 1000.0))
        .collect();
    let many = atlas(&texts);
    let out = folder.path().join("many");
    for (index, neuron) in many.neurons().iter().enumerate() {
        let folder = out.join(super::folder(index, neuron));
        fs::create_dir_all(&folder).unwrap();
        let mut record = record.clone();
        record["neurons"] = json!([neuron]);
        fs::write(folder.join("run.json"), record.to_string()).unwrap();
        for file in ["manifest.json", "samples.safetensors"] {
            fs::hard_link(run.join(file), folder.join(file)).unwrap();
        }
    }
    let mut rows = serde_json::to_value(many.record()).unwrap();
    rows = json!({ "version": 1, "program": "", "request": rows });
    fs::write(out.join("atlas.json"), rows.to_string()).unwrap();
    let entries = many.merge(&out).unwrap();
    assert!(entries.iter().all(|entry| entry.outcome.is_some()));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(page.matches("<li class=\"card\"").count(), 4096);
    assert_eq!(page.matches("<img class=\"strip of-3\"").count(), 4096);
    assert!(page.contains("<summary>neurons.txt</summary>"));
    assert!(page.len() < 10_000_000, "{}", page.len());
}
