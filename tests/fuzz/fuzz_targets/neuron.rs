//! Neurons as a person writes them, looked up in the tiny classifier.
#![no_main]

use std::sync::OnceLock;

use inverse_set::{Expression, Neuron, Pair};

libfuzzer_sys::fuzz_target!(|text: &str| {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    let pair = PAIR.get_or_init(fuzz::tiny);
    fuzz::within_memory(text.len(), || {
        let Ok(expression) = text.parse::<Expression>() else {
            return;
        };
        let (file, network) = (pair.classifier(), pair.classifier_network());
        if let Ok(neuron) = Neuron::resolve(&expression, text, file, network) {
            check(&neuron, pair);
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
    let again = shown.parse().map(|expression| {
        Neuron::resolve(
            &expression,
            &shown,
            pair.classifier(),
            pair.classifier_network(),
        )
    });
    let again = again.expect("it was shown").expect("it was resolved");
    assert_eq!(
        (again.unit, again.lo, again.hi),
        (neuron.unit, neuron.lo, neuron.hi)
    );
}
