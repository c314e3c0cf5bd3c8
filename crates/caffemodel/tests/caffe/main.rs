//! Caffe's binary files and texts, through the public functions alone. The
//! files are written by a small writer of their own.

mod blobs;
mod hostile;
mod parameters;
mod samples;
mod structure;
mod texts;
mod versions;
mod writer;
