//! trueup: brings a PostgreSQL database to a declared schema by a plan that was rehearsed, reviewed and approved.

pub mod annotation;
pub mod catalog;
pub mod diff;
pub mod graph;
pub mod kind;
pub mod lower;
pub mod name;
pub mod postgres;
pub mod source;
pub mod sql;
pub mod step;
