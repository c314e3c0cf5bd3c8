//! The network file as its users see it: what is written is read back, and
//! what is wrong is refused with a message that says where.

mod containers;
mod fixture;
mod graphs;
mod round_trip;
mod tables;
mod writing;
