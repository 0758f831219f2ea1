//! trueup: brings a PostgreSQL database to a declared schema by a plan that was rehearsed, reviewed and approved.

pub mod annotation;
pub mod apply;
pub mod approval;
pub mod catalog;
pub mod config;
pub mod diff;
pub mod facts;
pub mod graph;
pub mod hazard;
pub mod journal;
pub mod kind;
pub mod lower;
pub mod name;
pub mod plan;
pub mod planning;
pub mod postgres;
pub mod rehearse;
pub mod report;
pub mod run;
pub mod source;
pub mod sql;
pub mod step;
pub mod toml_file;
pub mod visible;
