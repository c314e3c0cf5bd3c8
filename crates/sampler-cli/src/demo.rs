//! The demo pair, its judge and the real images, compiled into the program.

use inverse_set::FileSource;

/// The name of the pair.
pub(crate) const DEMO_PAIR: &str = "fashion";

/// At the start of a cache line, as tensors of a mapped file are or nearly are.
#[repr(C, align(64))]
struct Aligned<B: ?Sized>(B);

macro_rules! embedded {
    ($path:literal) => {{
        static FILE: &Aligned<[u8]> =
            &Aligned(*include_bytes!(concat!("../../../weights/", $path)));
        FileSource::Embedded {
            path: $path,
            bytes: &FILE.0,
        }
    }};
}

pub(crate) fn classifier() -> FileSource {
    embedded!("fashion/classifier.safetensors")
}

pub(crate) fn generator() -> FileSource {
    embedded!("fashion/generator.safetensors")
}

/// The second classifier, which judges samples.
pub(crate) fn judge() -> FileSource {
    embedded!("fashion/judge.safetensors")
}

/// The real images, those of the test set.
pub(crate) fn reference() -> FileSource {
    embedded!("fashion/reference.safetensors")
}
