//! STUB on this branch only: the real module comes from main.
pub mod live;
