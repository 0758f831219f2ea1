//! Where catalogs come from: SQL files, and databases.

pub mod accounts;
mod beside;
pub mod body;
pub mod desired;
pub mod kept;
pub(crate) mod lex;
pub mod live;
pub mod placeholder;
pub mod rows;
mod steady;
