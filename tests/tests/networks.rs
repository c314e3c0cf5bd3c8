//! Whole networks on the CPU against the f64 reference: every activation, and
//! gradients from several layers at once.

use autograd::Gradient;
use engine::{Cpu, Device, Instructions, NodeId, Plan};
use tests::fixture::Fixture;
use tests::normal;

#[test]
fn the_part_behind_a_layer_computes_the_same() {
    let mut whole = Fixture::new("fashion", "classifier", 2, 1);
    let input = whole.input(0, 2);
    let activations = whole.forward(&input, 2);
    let start = whole.network.node("relu6").unwrap();
    let (part, places) = whole.network.after(start);
    assert_eq!(
        places.len(),
        whole.network.nodes().skip(start.index()).count()
    );
    assert_eq!(part.node("relu6"), Some(NodeId::INPUT));
    let nodes: Vec<NodeId> = part.nodes().collect();
    let mut plan = Plan::new(&part, 2, &nodes).unwrap();
    let code = &activations[start.index()];
    plan.input_mut().write(2, code);
    plan.forward(2);
    for (of_whole, of_part) in places {
        let found = plan.activation(of_part).read(2).unwrap();
        assert_eq!(found, activations[of_whole.index()], "{of_whole:?}");
    }
}

#[test]
fn a_batch_that_no_machine_holds_is_refused() {
    for (pair, part) in [
        ("fashion", "classifier"),
        ("fashion", "generator"),
        ("tiny", "generator"),
    ] {
        let network = Fixture::new(pair, part, 1, 1).network;
        for batch in [1 << 40, usize::MAX / 8, usize::MAX / 2 + 1, usize::MAX] {
            let refused = Plan::new(&network, batch, &[network.output()]);
            assert!(
                matches!(refused, Err(engine::Error::Memory { .. })),
                "{pair} {part}: {batch} samples: {refused:?}"
            );
        }
    }
}

#[test]
fn a_part_holds_nothing_that_reads_past_its_input() {
    let whole = Fixture::new("tiny", "classifier", 1, 1).network;
    for node in whole.nodes() {
        let (part, places) = whole.after(node);
        let depends = |later: NodeId| {
            let mut inputs = whole.inputs(later).iter();
            later.index() > node.index() && inputs.all(|input| places.contains_key(input))
        };
        let expected = 1 + whole.nodes().filter(|&later| depends(later)).count();
        assert_eq!((places.len(), part.nodes().count()), (expected, expected));
    }
}

const NETWORKS: [(&str, &str); 5] = [
    ("tiny", "classifier"),
    ("tiny", "generator"),
    ("fashion", "classifier"),
    ("fashion", "generator"),
    ("fashion", "judge"),
];

/// Every network by every way to compute it.
fn ways() -> impl Iterator<Item = (Device, &'static str, &'static str)> {
    let sets = Instructions::available().into_iter();
    let devices = sets.flat_map(|instructions| {
        [false, true].map(|winograd| {
            let threads = Some(2);
            let cpu = Cpu {
                threads,
                instructions,
                winograd,
            };
            Device::new(cpu).unwrap()
        })
    });
    devices.flat_map(|device| NETWORKS.map(|(pair, part)| (device.clone(), pair, part)))
}

#[test]
fn activations_match_the_reference() {
    for (device, pair, part) in ways() {
        let mut fixture = Fixture::on(&device, pair, part, 4);
        let checked = fixture.check_activations(3);
        checked.unwrap_or_else(|error| panic!("{pair} {part}: {error}"));
    }
}

#[test]
fn gradients_from_several_layers_match_the_reference() {
    for (device, pair, part) in ways() {
        let mut fixture = Fixture::on(&device, pair, part, 1);
        let smooth = fixture.away_from_kinks();
        let checked = fixture.check_gradient(&smooth);
        checked.unwrap_or_else(|error| panic!("{pair} {part}: {error}"));
    }
}

#[test]
fn a_second_walk_forgets_the_first() {
    let mut fixture = Fixture::new("tiny", "classifier", 2, 1);
    let input = fixture.input(3, 2);
    fixture.forward(&input, 2);
    let output = fixture.network.output();
    let mut gradient = Gradient::new(&fixture.plan, &[output]).unwrap();
    let mut walk = |scale: f32| {
        gradient.clear();
        let d = gradient.cotangent(output, 2);
        let values = (0..2 * d.sample_len()).map(|i| scale * i as f32);
        d.write(2, &values.collect::<Vec<_>>());
        gradient.pull(&fixture.plan, 2).read(2).unwrap()
    };
    let first = walk(1.0);
    let other = walk(-3.0);
    assert_ne!(first, other);
    assert_eq!(first, walk(1.0));
}

/// What a ReLU is given is kept only where somebody reads it.
#[test]
fn applying_a_relu_as_its_input_is_written_changes_no_bit() {
    // The judge normalises between a convolution and its ReLU.
    for (pair, part) in NETWORKS.into_iter().filter(|&(_, part)| part != "judge") {
        let whole = Fixture::new(pair, part, 3, 2);
        let network = whole.network.clone();
        let output = network.output();
        let sources: Vec<NodeId> = ["relu6", "fc7"]
            .iter()
            .filter_map(|name| network.node(name))
            .chain([output])
            .collect();
        let input = whole.input(5, 3);
        let mut gradients =
            [Plan::new(&network, 3, &sources).unwrap(), whole.plan].map(|mut plan| {
                plan.input_mut().write(3, &input);
                plan.forward(3);
                let mut gradient = Gradient::new(&plan, &sources).unwrap();
                for (seed, &node) in sources.iter().enumerate() {
                    let len = 3 * network.shape(node).len();
                    let cotangent = normal(seed as u64, 0.0, 1.0, len);
                    gradient.cotangent(node, 3).write(3, &cotangent);
                }
                let kept = network.nodes().filter(|&node| plan.reaches(node)).count();
                let mut found = vec![gradient.pull(&plan, 3).read(3).unwrap()];
                let read = |&node: &NodeId| plan.activation(node).read(3).unwrap();
                found.extend(sources.iter().map(read));
                (kept, found)
            });
        let all = network.nodes().count();
        assert_eq!(gradients[1].0, all, "{pair} {part}");
        assert!(gradients[0].0 < all, "{pair} {part}: nothing was left out");
        let bits = |values: &mut Vec<Vec<f32>>| -> Vec<u32> {
            values
                .iter()
                .flatten()
                .map(|v| (v + 0.0).to_bits())
                .collect()
        };
        let [fused, plain] = &mut gradients;
        assert!(bits(&mut fused.1) == bits(&mut plain.1), "{pair} {part}");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for (pair, part) in NETWORKS {
        let run = |threads| {
            let mut fixture = Fixture::new(pair, part, 7, threads);
            let input = fixture.input(11, 7);
            let mut results = fixture.forward(&input, 7);
            let output = fixture.network.output();
            let mut gradient = Gradient::new(&fixture.plan, &[output]).unwrap();
            gradient.cotangent(output, 7).fill(7, 0.5);
            results.push(gradient.pull(&fixture.plan, 7).read(7).unwrap());
            let bits = |v: &f32| v.to_bits();
            results
                .iter()
                .map(|r| r.iter().map(bits).collect())
                .collect::<Vec<Vec<u32>>>()
        };
        assert!(run(1) == run(2), "{pair} {part}");
    }
}
