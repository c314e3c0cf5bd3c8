//! Runs that are killed, lose power or meet a disk that refuses, at every change
//! that they make: the same run goes on, loses no batch that was accepted, and
//! ends in the same bytes.

mod disk;
mod faults;
mod job;
mod power;
