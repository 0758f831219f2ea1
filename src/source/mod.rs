//! Where catalogs come from: SQL files, and databases.

pub mod body;
pub mod desired;
pub(crate) mod lex;
pub mod live;
