//! Neurons as a person writes them, one and many, looked up in the tiny classifier.
#![no_main]

use std::sync::OnceLock;

use inverse_set::{Neuron, Pair};

libfuzzer_sys::fuzz_target!(|text: &str| {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    let pair = PAIR.get_or_init(fuzz::tiny);
    fuzz::within_memory(text.len(), || {
        if let Ok(neurons) = pair.neurons(text) {
            assert!(!neurons.is_empty());
            neurons.iter().for_each(|neuron| check(neuron, pair));
        }
        let _ = pair.search(None, text);
    });
});

/// What stands in file names is safe there, and what is shown can be read again.
fn check(neuron: &Neuron, pair: &Pair) {
    assert!(neuron.lo <= neuron.hi);
    let slug = neuron.slug();
    let safe = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    assert!(!slug.starts_with('.') && slug.chars().all(safe), "{slug:?}");
    let shown = format!("{}={}", neuron.name(), neuron.range());
    let again = pair.neurons(&shown).expect("it was shown");
    let [again] = &again[..] else {
        panic!("{shown} means several");
    };
    assert_eq!(
        (again.unit, again.lo, again.hi),
        (neuron.unit, neuron.lo, neuron.hi)
    );
}
