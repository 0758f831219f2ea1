//! Where catalogs come from: SQL files, and databases.

pub mod body;
pub mod desired;
mod lex;
pub mod live;
