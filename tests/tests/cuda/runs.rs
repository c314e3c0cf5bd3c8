//! Whole runs whose codes, images and encodings stay on the device.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use engine::{Device, reference};
use inverse_set::{Error, Event, Flow, Job, Neuron, Pair, Request, Unit};
use netfile::{Channels, NetworkFile};
use safetensors::SafeTensors;
use tests::root;

use crate::device::turn;

/// What is sampled of the tiny pair: its generator has no model of codes, so
/// encodings are kept away from the mean of all.
fn tiny() -> Request {
    Request {
        neurons: ["fc8:volcano", "conv5:3@max=p20..p80"]
            .map(String::from)
            .into(),
        samples: 20,
        batch: 4,
        seed: 5,
        ..Request::default()
    }
}

/// What is sampled of the demo pair: its generator has a model of codes, so
/// encodings are kept away from their nearest neighbours.
fn demo() -> Request {
    Request {
        neurons: vec!["fc8:\"Ankle boot\"=c5..c95".into()],
        samples: 4,
        batch: 2,
        seed: 1,
        ..Request::default()
    }
}

fn pair(device: &Device, name: &str) -> Pair {
    let [classifier, generator] = Pair::files(&root().join("weights"), name);
    Pair::open(&classifier, &generator, device).unwrap()
}

fn job(device: &Device, name: &str, request: &Request) -> Job {
    Job::new(pair(device, name), request).unwrap()
}

/// The bytes of the samples of a finished run.
fn samples(directory: &Path) -> Vec<u8> {
    fs::read(directory.join("samples.safetensors")).unwrap()
}

fn run(job: &Job, directory: &Path) -> Vec<u8> {
    job.run(directory, &mut |_| Flow::Continue).unwrap();
    samples(directory)
}

/// Names, types and shapes of a file of samples, and the names of all files.
fn outline(bytes: &[u8], directory: &Path) -> (BTreeMap<String, String>, Vec<String>) {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let tensors = tensors.iter().map(|(name, tensor)| {
        (
            name.to_owned(),
            format!("{:?} {:?}", tensor.dtype(), tensor.shape()),
        )
    });
    let mut files: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    (tensors.collect(), files)
}

/// An image of 8 bits, `[c, h, w]`, as the classifier is given it.
fn encoded(file: &NetworkFile, image: &[u8]) -> Vec<f64> {
    let encoding = file.description().image.as_ref().unwrap();
    let channels = encoding.mean.len();
    let plane = image.len() / channels;
    let value = |(channel, position): (usize, usize)| {
        let of_image = match encoding.channels {
            Channels::Bgr => channels - 1 - channel,
            Channels::Grey | Channels::Rgb => channel,
        };
        let pixel = f64::from(image[of_image * plane + position]) / 255.0;
        let [scale, mean, std] = [
            encoding.scale,
            encoding.mean[channel],
            encoding.std[channel],
        ]
        .map(f64::from);
        (pixel * scale - mean) / std
    };
    let places = (0..channels).flat_map(|channel| (0..plane).map(move |p| (channel, p)));
    places.map(value).collect()
}

/// A neuron's value, by the definition.
fn value(pair: &Pair, neuron: &Neuron, activations: &[Vec<f64>]) -> f64 {
    let network = pair.classifier_network();
    let node = network.node(&neuron.layer).unwrap();
    let activation = &activations[node.index()];
    match neuron.unit {
        Unit::Unit { index } => activation[index],
        Unit::Max { channel } => {
            let [_, h, w] = network.shape(node).planes().unwrap();
            let plane = &activation[channel * h * w..][..h * w];
            plane.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        }
        other => panic!("nothing here samples {other:?}"),
    }
}

/// Recomputes every activation of a run from the images as they are stored.
fn check_samples(pair: &Pair, neurons: &[Neuron], bytes: &[u8]) {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let (images, stored) = (
        file.tensor("images").unwrap(),
        file.tensor("activations").unwrap(),
    );
    let (stored, _) = stored.data().as_chunks();
    let mut stored = stored.iter().copied().map(f32::from_le_bytes);
    let count = images.shape()[0];
    for image in images.data().chunks_exact(images.data().len() / count) {
        let input = encoded(pair.classifier(), image);
        let activations = reference::forward(pair.classifier(), &input, 1);
        for neuron in neurons {
            let exact = value(pair, neuron, &activations);
            let stored = f64::from(stored.next().unwrap());
            assert!(
                (neuron.lo..=neuron.hi).contains(&exact),
                "{neuron}: {exact}"
            );
            assert!(
                (exact - stored).abs() <= 1e-4 * exact.abs().max(1.0),
                "{neuron}: {exact} {stored}"
            );
        }
    }
    assert_eq!(stored.next(), None);
}

/// Stops a run after its first batch, goes on with it and gives its samples.
fn run_in_two(device: &Device, name: &str, request: &Request, directory: &Path) -> Vec<u8> {
    let mut batches = 0;
    let result = job(device, name, request).run(directory, &mut |event| {
        batches += usize::from(matches!(event, Event::Batch { .. }));
        if batches == 1 {
            Flow::Stop
        } else {
            Flow::Continue
        }
    });
    assert!(matches!(result, Err(Error::Stopped { .. })), "{result:?}");
    assert!(!directory.join("samples.safetensors").exists());
    run(&job(device, name, request), directory)
}

#[test]
fn a_run_of_the_tiny_pair_holds_its_ranges_in_every_way() {
    let turn = turn();
    let cpu = Device::cpu(Some(1)).unwrap();
    let seen = pair(&cpu, "tiny");
    let found = RefCell::new(HashMap::new());
    turn.every_named_way(|device, way| {
        let directory = tempfile::tempdir().unwrap();
        let job = job(device, "tiny", &tiny());
        let bytes = run(&job, &directory.path().join("run"));
        check_samples(&seen, job.neurons(), &bytes);
        let mut found = found.borrow_mut();
        let first = found.entry(way.to_owned()).or_insert_with(|| bytes.clone());
        assert!(*first == bytes, "{way}: the order of threads changed a bit");
    });
}

#[test]
fn runs_of_the_tiny_pair_repeat_and_go_on() {
    let turn = turn();
    let (device, cpu) = (turn.device(), Device::cpu(Some(1)).unwrap());
    let request = Request {
        samples: 10,
        ..tiny()
    };
    let folder = tempfile::tempdir().unwrap();
    let [straight, again, in_two, on_cpu] =
        ["straight", "again", "in two", "on the CPU"].map(|name| folder.path().join(name));
    let bytes = run(&job(device, "tiny", &request), &straight);
    assert!(run(&job(device, "tiny", &request), &again) == bytes);
    assert!(run_in_two(device, "tiny", &request, &in_two) == bytes);
    // Not the same samples, but the same files.
    let of_cpu = run(&job(&cpu, "tiny", &request), &on_cpu);
    assert_eq!(outline(&bytes, &straight), outline(&of_cpu, &on_cpu));
}

#[test]
fn runs_of_the_demo_pair_hold_their_ranges_and_go_on() {
    let turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let whole = job(turn.device(), "fashion", &demo());
    let bytes = run(&whole, &folder.path().join("straight"));
    let cpu = Device::cpu(Some(1)).unwrap();
    check_samples(&pair(&cpu, "fashion"), whole.neurons(), &bytes);
    let in_two = folder.path().join("in two");
    assert!(run_in_two(turn.device(), "fashion", &demo(), &in_two) == bytes);
}
