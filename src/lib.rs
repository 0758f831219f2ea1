//! trueup: brings a PostgreSQL database to a declared schema by a plan that was rehearsed, reviewed and approved.
//!
//! ```text
//! read ─ elaborate ─ diff ─ observe ─ lower ─ rehearse ─ judge ─ seal │ review ─ approve │ apply ─ journal
//! live, desired SQL        facts     draft   observed   hazards  plan │                  │ rollback
//! ```
//!
//! | stage | here | |
//! | --- | --- | --- |
//! | read | [`source::live`] | a session becomes a [`catalog::Catalog`] |
//! | elaborate | [`source::desired`] | SQL files become one, by way of a scratch database |
//! | diff | [`diff`] | two catalogs become changes; pure |
//! | observe | [`facts`] | how big live's relations are |
//! | lower | [`graph`], [`lower`] | changes become ordered [`step::Step`]s, each with its undo; pure |
//! | rehearse | [`rehearse`] | they run on scratch: up, compare, down, compare, up |
//! | judge | [`hazard`] | what was seen becomes coded risks; pure |
//! | seal | [`planning`] | all of it becomes a [`plan::Plan`]; this module runs the stages |
//! | review | [`report`] | the only place that renders a plan |
//! | approve | [`approval`] | a person's yes to one digest, one phase, named dangers |
//! | apply | [`apply`], [`run`], [`journal`] | batch by batch on the target, resumable, proven; and back |
//!
//! What holds, always:
//!
//! - Nothing loops back: a rehearsal that contradicts its draft is an error, not a reason to plan again.
//! - No pure stage sees a connection, clock, environment or file. The same inputs give the same plan byte for byte.
//! - PostgreSQL says what SQL means: both catalogs come from servers of one major version, by the same queries.
//! - A plan has been executed, undone and executed again before anyone reads it.
//! - Never CASCADE, never an empty plan for a difference, never a guess about a rename.
//! - One changed byte of a plan voids every approval of it.
//! - A batch commits together with its lines in the journal; a phase is done only when its end is proven.
//!
//! Nothing in the library prints, reads the environment or asks what time it is. Imports point one way, which
//! `tests/layers.rs` asserts; ARCHITECTURE.md has the map of modules.

pub mod annotation;
pub mod apply;
pub mod approval;
pub mod catalog;
pub mod config;
pub mod diff;
pub mod dump;
pub mod facts;
pub mod graph;
pub mod hazard;
pub mod journal;
mod journal_sql;
pub mod kind;
pub mod lower;
pub mod name;
pub mod plan;
pub mod planning;
pub mod postgres;
pub mod rehearse;
pub mod report;
pub mod run;
pub mod secret;
pub mod source;
pub mod sql;
mod stack;
pub mod step;
pub mod toml_file;
pub mod visible;
