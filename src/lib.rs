//! trueup: brings a PostgreSQL database to a declared schema by a plan that was rehearsed, reviewed and approved.

pub mod apply;
pub mod approval;
pub mod catalog;
pub mod config;
pub mod hazard;
pub mod journal;
pub mod kind;
pub mod name;
pub mod plan;
pub mod postgres;
pub mod report;
pub mod run;
pub mod source;
pub mod sql;
pub mod step;
pub mod toml_file;
pub mod visible;
