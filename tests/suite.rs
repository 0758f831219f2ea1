//! All tests that need no harness of their own, in one program: linking one for each file takes longer than most of
//! them run. `cargo test --release --test suite throwaway::` runs those of tests/throwaway.rs.

mod abandoned;
mod adopt;
mod apply;
mod approvals;
mod bad_input;
mod cli;
mod connect;
mod convert;
mod data;
mod desired;
mod docs;
mod dump;
mod example;
mod failure;
mod faults;
mod fixpoint;
mod init;
mod injection;
mod kept;
mod layers;
mod mangled;
mod online;
mod oracle;
mod partitions;
mod plan_files;
mod preflight;
mod prepared;
mod properties;
mod renamed;
mod security;
mod signatures;
mod silence;
mod steady;
mod support;
mod throwaway;
