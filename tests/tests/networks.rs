//! Whole networks on the CPU against the f64 reference: every activation, and
//! gradients from several layers at once.

use autograd::Gradient;
use engine::{Cpu, Device, Instructions, Network, NodeId, Plan, reference};
use netfile::NetworkFile;
use tests::{assert_close, committed, distance_from_kinks, normal};

/// Activations of a whole network in f32.
const ACTIVATION: f64 = 1e-5;
/// Gradients of a whole network in f32, away from kinks.
const GRADIENT: f64 = 1e-4;
/// No pre-activation of a gradient's fixture is closer to a kink.
const KINK: f64 = 1e-4;
/// Seeds that are tried for such a fixture.
const TRIES: u64 = 4000;

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

struct Fixture {
    file: NetworkFile,
    network: Network,
    plan: Plan,
}

impl Fixture {
    fn new(pair: &str, part: &str, batch: usize, threads: usize) -> Fixture {
        Fixture::on(&Device::cpu(Some(threads)).unwrap(), pair, part, batch)
    }

    fn on(device: &Device, pair: &str, part: &str, batch: usize) -> Fixture {
        let file = committed(pair, part);
        let network = Network::load(&file, device).unwrap();
        let all: Vec<NodeId> = network.nodes().collect();
        let plan = Plan::new(&network, batch, &all).unwrap();
        Fixture {
            file,
            network,
            plan,
        }
    }

    fn shapes(&self) -> Vec<Vec<usize>> {
        let shape = |node| self.network.shape(node).dims().to_vec();
        self.network.nodes().map(shape).collect()
    }

    fn forward(&mut self, input: &[f32], n: usize) -> Vec<Vec<f32>> {
        self.plan.input_mut().write(n, input);
        self.plan.forward(n);
        let activation = |node| self.plan.activation(node).read(n).unwrap();
        self.network.nodes().map(activation).collect()
    }

    /// A plausible input: codes are not negative, pixels are spread about 0.
    fn input(&self, seed: u64, n: usize) -> Vec<f32> {
        let len = n * self.network.shape(NodeId::INPUT).len();
        let input = normal(seed, 0.3, 1.0, len);
        match self.file.description().code {
            Some(_) => input.into_iter().map(|v| v.max(0.0)).collect(),
            None => input,
        }
    }

    /// One sample that lies away from every kink. The f32 activations choose
    /// among the seeds, the f64 ones decide.
    fn away_from_kinks(&mut self) -> (Vec<f32>, Vec<Vec<f64>>) {
        let shapes = self.shapes();
        for seed in 0..TRIES {
            let input = self.input(seed, 1);
            let activations: Vec<Vec<f64>> =
                self.forward(&input, 1).iter().map(|a| widen(a)).collect();
            if distance_from_kinks(&self.file, &shapes, &activations) <= KINK {
                continue;
            }
            let exact = reference::forward(&self.file, &widen(&input), 1);
            if distance_from_kinks(&self.file, &shapes, &exact) > KINK {
                return (input, exact);
            }
        }
        panic!("{TRIES} seeds gave no input away from every kink");
    }
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
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
        let n = 3;
        let input = fixture.input(7, n);
        let found = fixture.forward(&input, n);
        let expected = reference::forward(&fixture.file, &widen(&input), n);
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_close(
                &format!("{pair} {part}, node {i}"),
                found,
                expected,
                ACTIVATION,
            );
        }
    }
}

#[test]
fn gradients_from_several_layers_match_the_reference() {
    for (device, pair, part) in ways() {
        let mut fixture = Fixture::on(&device, pair, part, 1);
        let (input, exact) = fixture.away_from_kinks();
        fixture.forward(&input, 1);
        let output = fixture.network.output();
        let inner = fixture.network.nodes().nth(output.index() / 2).unwrap();
        let late = fixture.network.nodes().nth(output.index() - 2).unwrap();
        let sources = [output, inner, late];
        let mut gradient = Gradient::new(&fixture.plan, &sources).unwrap();
        let mut cotangents = Vec::new();
        for (seed, &node) in sources.iter().enumerate() {
            let len = fixture.network.shape(node).len();
            let cotangent = normal(seed as u64, 0.0, 1.0, len);
            gradient.cotangent(node, 1).write(1, &cotangent);
            cotangents.push((node.index(), widen(&cotangent)));
        }
        let found = gradient.pull(&fixture.plan, 1).read(1).unwrap();
        let expected = reference::gradient(&fixture.file, &exact, &cotangents, 1);
        let scale = expected.iter().fold(0.0f64, |scale, v| scale.max(v.abs()));
        let relative = |v: f64| v / scale;
        let found: Vec<f32> = found
            .iter()
            .map(|&v| relative(f64::from(v)) as f32)
            .collect();
        let expected: Vec<f64> = expected.into_iter().map(relative).collect();
        assert_close(&format!("{pair} {part}"), &found, &expected, GRADIENT);
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
