//! trueup: brings a PostgreSQL database to a declared schema by a plan that was rehearsed, reviewed and approved.

pub mod name;
pub mod postgres;
pub mod sql;
