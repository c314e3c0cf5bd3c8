//! Whole networks against the f64 reference, against the CPU and against what
//! PyTorch computed.

use autograd::Gradient;
use cuda_sim::Knob;
use engine::{Buffer, Clamp, Decoder, Device, Encoder, Network, NodeId, Plan};

use tests::fixture::{Fixture, GRADIENT, compare_scaled};
use tests::{committed, distance_from_kinks, golden, normal, widen};

use crate::device::turn;

const PARTS: [&str; 2] = ["classifier", "generator"];

/// Seeds of codes of the demo pair far from kinks, the best of 200.
const SMOOTH: [u64; 2] = [125, 156];

#[test]
fn the_tiny_pair_matches_the_reference() {
    let turn = turn();
    for part in PARTS {
        println!("{part}");
        let smooth = Fixture::new("tiny", part, 1, 1).away_from_kinks();
        turn.every_way(|device| {
            let mut fixture = Fixture::on(device, "tiny", part, 4);
            fixture.check_activations(3).unwrap();
            fixture.check_gradient(&smooth).unwrap();
        });
    }
}

#[test]
fn both_pairs_compute_what_pytorch_computed() {
    let turn = turn();
    turn.every_way(golden::tiny_pair);
    golden::demo_pair(turn.device(), 2);
}

/// Two codes of the demo pair for which neither a pixel nor a rectifier lies so
/// near to a kink that a rounding could take it across.
fn smooth_codes() -> Vec<f32> {
    let [mut above, mut below] = PARTS.map(|part| Fixture::new("fashion", part, 1, 2));
    let shapes = [above.shapes(), below.shapes()];
    let mut all = Vec::new();
    for seed in SMOOTH {
        let codes = below.input(seed, 1);
        let generated = below.forward(&codes, 1);
        let pixels = generated.last().expect("there is an output");
        // A generated value is a pixel; the classifier's are grey, shifted and scaled.
        let ends = pixels.iter().map(|v| v.abs().min((v - 1.0).abs()));
        let ends = f64::from(ends.fold(f32::INFINITY, f32::min));
        let image = pixels.iter().map(|v| (v.clamp(0.0, 1.0) - 0.219) / 0.3318);
        let seen = above.forward(&image.collect::<Vec<f32>>(), 1);
        let distance = |fixture: &Fixture, shapes: &[Vec<usize>], values: &[Vec<f32>]| {
            let values: Vec<Vec<f64>> = values.iter().map(|a| widen(a)).collect();
            distance_from_kinks(&fixture.file, shapes, &values)
        };
        let of_generator = distance(&below, &shapes[1], &generated);
        let least = ends
            .min(of_generator)
            .min(distance(&above, &shapes[0], &seen));
        assert!(
            least > 1e-5,
            "seed {seed} lies {least:e} from a kink: find another"
        );
        all.extend(codes);
    }
    all
}

/// What a step over the demo pair computes, layer by layer: name, values.
type Step = Vec<(String, Vec<f32>)>;

/// The demo pair's layers for `n` codes, and the gradient of the codes from two
/// layers of the classifier, through the pixels.
fn demo_step(device: &Device, codes: &[f32], n: usize) -> Step {
    let [(classifier, above), (generator, below)] = PARTS.map(|part| {
        let file = committed("fashion", part);
        let network = Network::load(&file, device).unwrap();
        (file, network)
    });
    let (output, image) = (below.output(), above.shape(NodeId::INPUT));
    let decoder = Decoder::new(
        &generator,
        below.shape(output),
        image,
        Clamp::default(),
        device,
    );
    let (decoder, encoder) = (
        decoder.unwrap(),
        Encoder::new(&classifier, image, device).unwrap(),
    );
    let shown = ["conv5", "fc6", "relu6", "fc7", "fc8"].map(|layer| above.node(layer).unwrap());
    let mut plans = [
        Plan::new(&above, n, &shown),
        Plan::new(&below, n, &[output]),
    ]
    .map(Result::unwrap);
    let [plan, under] = &mut plans;

    let mut images = device.buffer(n, image).unwrap();
    under.input_mut().write(n, codes);
    under.forward(n);
    decoder.decode(under.activation(output), n, &mut images);
    encoder.encode(&images, n, plan.input_mut());
    plan.forward(n);

    let sources = ["relu6", "fc8"].map(|layer| above.node(layer).unwrap());
    let mut gradient = Gradient::new(plan, &sources).unwrap();
    let mut inner = Gradient::new(under, &[output]).unwrap();
    let mut d_images = device.buffer(n, image).unwrap();
    for (seed, node) in sources.into_iter().enumerate() {
        let cotangent = normal(seed as u64, 0.0, 1.0, n * above.shape(node).len());
        gradient.cotangent(node, n).write(n, &cotangent);
    }
    encoder.pull(gradient.pull(plan, n), n, &mut d_images);
    let d_output = inner.cotangent(output, n);
    decoder.pull(under.activation(output), &d_images, n, d_output);
    let d_codes = inner.pull(under, n).read(n).unwrap();

    let read = |(name, buffer): (&str, &Buffer)| (name.to_owned(), buffer.read(n).unwrap());
    let generated = [("generated", under.activation(output)), ("images", &images)];
    let mut step: Step = generated.into_iter().map(read).collect();
    let name = |node| {
        classifier.description().layers[NodeId::index(node) - 1]
            .name
            .as_str()
    };
    step.extend(shown.map(|node| read((name(node), plan.activation(node)))));
    step.push(read(("gradient of images", &d_images)));
    step.push(("gradient of codes".into(), d_codes));
    step
}

#[test]
fn the_demo_pair_computes_what_the_cpu_computes() {
    let turn = turn();
    let n = SMOOTH.len();
    let codes = smooth_codes();
    let expected = demo_step(&Device::cpu(Some(2)).unwrap(), &codes, n);
    let found = demo_step(turn.device(), &codes, n);
    for ((name, found), (_, expected)) in found.iter().zip(&expected) {
        compare_scaled(name, found, &widen(expected), GRADIENT).unwrap();
    }
}

/// What is compared above must change when any one launch is not done.
#[test]
fn a_dropped_launch_is_found() {
    let turn = turn();
    let Some(simulator) = turn.simulator("a dropped launch is found") else {
        return;
    };
    for part in PARTS {
        let smooth = Fixture::new("tiny", part, 1, 1).away_from_kinks();
        let run = |dropped: u64| {
            // New memory, which holds nothing of the run before.
            let mut fixture = Fixture::on(turn.device(), "tiny", part, 3);
            simulator.reset_counts();
            simulator.set(Knob::Drop, dropped as i64);
            let activations = fixture.check_activations(3);
            let forward = simulator.counts().launches;
            let checked = activations.and_then(|()| fixture.check_gradient(&smooth));
            simulator.set(Knob::Drop, 0);
            (forward, simulator.counts().launches, checked.is_ok())
        };
        let (forward, all, right) = run(0);
        assert!(right && forward > 10 && all > 2 * forward);
        let missed: Vec<u64> = (1..=all).filter(|&launch| run(launch).2).collect();
        // Behind two passes forward: the cotangents of three layers are filled with
        // zeros and then overwritten. The classifier's maximum of two layers has
        // one launch for equal values, of which a smooth input has none.
        let [fills, ties] = [3, usize::from(part == "classifier")];
        let (first, others) = missed.split_at(fills);

        let first_fill = 2 * forward + 1;
        assert!(
            first
                .iter()
                .copied()
                .eq(first_fill..first_fill + fills as u64)
        );
        assert_eq!(others.len(), ties, "{part}: {missed:?}");
    }
}
