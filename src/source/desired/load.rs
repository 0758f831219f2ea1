//! Executes the desired SQL on an empty database.
//!
//! Each class of statements is sent at once and waited for once. Every statement is a transaction of its own, so one
//! that fails leaves the others alone; what failed is sent again as long as anything succeeds, and once more with each
//! later class. Statements about one thing keep their order: while one is pending, later ones of its class, and those
//! that need what it creates, wait. A barrier (a block of code, a
//! `DROP`) waits for all that stand before it in its file, and all behind it there wait for it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use tokio_postgres::{
    Client, Error,
    error::{DbError, ErrorPosition, SqlState},
};

use super::{
    Class, Desired, LoadErrors, Rejected, Statement,
    place::{Key, Space},
    settings::Settings,
};
use crate::{postgres::Session, sql};

/// What to do about roles that the SQL names and the server does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingRoles {
    /// Create them: as the SQL says, else NOLOGIN. For a cluster of one's own.
    Create,
    /// Refuse: for a cluster that holds the target too.
    Refuse,
    /// They are there by their names, which is all that is wanted of them.
    ByName,
}

/// What loading did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Roles that were missing and were created: on a shared cluster the caller drops them in the end.
    pub created_roles: Vec<String>,
}

/// So many statements are sent before answers are waited for.
const IN_FLIGHT: usize = 256;

const BEFORE: &str =
    "SET client_min_messages = error; SET check_function_bodies = off; SET synchronous_commit = off";
const AFTER: &str = "RESET client_min_messages; RESET check_function_bodies; RESET synchronous_commit";

/// Loads the desired schema into the database of a session, which has nothing of it yet.
pub async fn load(session: &Session, desired: &Desired, roles: MissingRoles) -> Result<Loaded, LoadErrors> {
    let client = session.client();
    let missing = missing_roles(client, desired).await?;
    if roles == MissingRoles::Refuse && !missing.is_empty() {
        return Err(LoadErrors::MissingRoles(missing.into_iter().collect()));
    }
    client.batch_execute(BEFORE).await?;
    create_unsaid_roles(client, desired, &missing).await?;
    let mut loader = Loader {
        session,
        statements: &desired.statements,
        settings: &desired.settings,
        current: Settings::default(),
        pending: Vec::new(),
        errors: BTreeMap::new(),
        wrong_settings: Vec::new(),
    };
    for (class, range) in classes(&desired.statements) {
        let new = range
            .filter(|index| class != Class::Role || wanted(&desired.statements[*index], &missing, roles));
        loader.pending.extend(new);
        loader.settle(Waiting::InOrder).await?;
    }
    loader.settle(Waiting::NoMore).await?;
    loader.switch_to(&Settings::default()).await?;
    client.batch_execute(AFTER).await?;
    let created_roles = missing.into_iter().collect();
    let rejected = loader.rejected();
    if rejected.is_empty() {
        Ok(Loaded { created_roles })
    } else {
        Err(LoadErrors::Rejected { rejected, created_roles })
    }
}

/// The stretches of statements of one class.
fn classes(statements: &[Statement]) -> Vec<(Class, std::ops::Range<usize>)> {
    let mut found: Vec<(Class, std::ops::Range<usize>)> = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        match found.last_mut() {
            Some((class, range)) if *class == statement.class => range.end = index + 1,
            _ => found.push((statement.class, index..index + 1)),
        }
    }
    found
}

/// Roles belong to the whole server: only those that were missing are made and changed.
fn wanted(statement: &Statement, missing: &BTreeSet<String>, roles: MissingRoles) -> bool {
    roles == MissingRoles::Create && statement.role.as_ref().is_none_or(|role| missing.contains(role))
}

async fn missing_roles(client: &Client, desired: &Desired) -> Result<BTreeSet<String>, Error> {
    if desired.roles.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = client.query("SELECT rolname::text FROM pg_catalog.pg_roles", &[]).await?;
    let existing: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(desired.roles.difference(&existing).cloned().collect())
}

/// Roles that the SQL names but does not create.
async fn create_unsaid_roles(
    client: &Client,
    desired: &Desired,
    missing: &BTreeSet<String>,
) -> Result<(), Error> {
    let said: BTreeSet<&String> = desired
        .statements
        .iter()
        .take_while(|statement| statement.class == Class::Role)
        .filter(|statement| statement.text.get(..6).is_some_and(|verb| verb.eq_ignore_ascii_case("create")))
        .filter_map(|statement| statement.role.as_ref())
        .collect();
    for role in missing.iter().filter(|role| !said.contains(role)) {
        match client.batch_execute(&format!("CREATE ROLE {} NOLOGIN", sql::ident(role))).await {
            Err(error) if !error.as_db_error().is_some_and(role_exists) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Another session may have made it in between.
fn role_exists(error: &DbError) -> bool {
    *error.code() == SqlState::DUPLICATE_OBJECT || *error.code() == SqlState::UNIQUE_VIOLATION
}

/// Whether statements wait for what stands before them and has failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    InOrder,
    /// Two may wait for each other: in the end all are tried.
    NoMore,
}

struct Loader<'a> {
    session: &'a Session,
    statements: &'a [Statement],
    settings: &'a [Settings],
    /// The settings in force on the connection.
    current: Settings,
    /// Statements that have not succeeded, in the order of loading.
    pending: Vec<usize>,
    /// Why they failed last.
    errors: BTreeMap<usize, DbError>,
    /// Settings that PostgreSQL refused, and for which statement they were made.
    wrong_settings: Vec<(usize, DbError)>,
}

impl<'a> Loader<'a> {
    /// Tries what is pending until nothing more succeeds.
    async fn settle(&mut self, waiting: Waiting) -> Result<(), Error> {
        loop {
            let before = self.pending.len();
            if before == 0 {
                return Ok(());
            }
            self.pass(waiting).await?;
            if self.pending.len() == before {
                return Ok(());
            }
        }
    }

    /// Tries each pending statement once.
    async fn pass(&mut self, waiting: Waiting) -> Result<(), Error> {
        let mut failed = Holding::default();
        let mut still = Vec::new();
        let mut closed: Vec<&Statement> = Vec::new();
        for layer in self.layers() {
            let (held, free): (Vec<usize>, Vec<usize>) = layer.into_iter().partition(|index| {
                let statement = &self.statements[*index];
                let mut before = still.iter().map(|index| &self.statements[*index]);
                let mut holds = waiting == Waiting::InOrder && failed.holds(statement).is_some();
                if waiting == Waiting::InOrder {
                    holds |= closed.iter().any(|barrier| barrier.stands_before(statement));
                    holds |=
                        statement.barrier && before.any(|before: &Statement| before.stands_before(statement));
                }
                if holds && statement.barrier {
                    closed.push(statement);
                }
                holds
            });
            for index in held {
                failed.add(&self.statements[index], 0);
                still.push(index);
            }
            for chunk in free.chunks(IN_FLIGHT) {
                for index in self.execute(chunk).await? {
                    failed.add(&self.statements[index], 0);
                    still.push(index);
                }
            }
        }
        still.sort_unstable();
        self.pending = still;
        Ok(())
    }

    /// The pending statements so that each comes in a later layer than those it has to wait for.
    fn layers(&self) -> Vec<Vec<usize>> {
        let mut layers: Vec<Vec<usize>> = Vec::new();
        let mut holding = Holding::default();
        let mut floor = 0;
        for index in &self.pending {
            let statement: &'a Statement = &self.statements[*index];
            let mut layer = holding.holds(statement).map_or(floor, |held| floor.max(held + 1));
            if statement.barrier {
                layer = layers.len();
                floor = layer + 1;
            }
            holding.add(statement, layer);
            layers.resize(layers.len().max(layer + 1), Vec::new());
            layers[layer].push(*index);
        }
        layers
    }

    /// Sends statements in one go, and says which failed.
    async fn execute(&mut self, indices: &[usize]) -> Result<Vec<usize>, Error> {
        let mut sent: Vec<(usize, bool, String)> = Vec::new();
        for index in indices {
            let statement = &self.statements[*index];
            if let Some(settings) = self.settings.get(statement.settings)
                && *settings != self.current
            {
                sent.extend(settings.switch_from(&self.current).into_iter().map(|text| (*index, true, text)));
                self.current = settings.clone();
            }
            sent.push((*index, false, statement.text.clone()));
        }
        let mut answers = Vec::with_capacity(sent.len());
        let apart: Vec<bool> = sent.iter().map(|(_, _, text)| !self.session.goes_with_others(text)).collect();
        for run in apart.chunk_by(|one, next| !one && !next) {
            let together = &sent[answers.len()..answers.len() + run.len()];
            if let ([true], [(_, _, text)]) = (run, together) {
                answers.push(self.session.execute(text).await);
            } else {
                let client = self.session.client();
                answers
                    .extend(join_all(together.iter().map(|(_, _, text)| client.batch_execute(text))).await);
            }
        }
        let mut failed = Vec::new();
        for ((index, is_setting, _), answer) in sent.iter().zip(answers) {
            let Err(error) = answer else { continue };
            let Some(reason) = error.as_db_error().cloned() else { return Err(error) };
            if self.session.is_closed() {
                return Err(error);
            }
            let statement = &self.statements[*index];
            if *is_setting {
                // psql goes on too; dumps of newer versions set what older ones do not know
                if *reason.code() != SqlState::UNDEFINED_OBJECT {
                    self.wrong_settings.push((*index, reason));
                }
            } else if !is_there_already(statement, &reason) {
                self.errors.insert(*index, reason);
                failed.push(*index);
            }
        }
        Ok(failed)
    }

    async fn switch_to(&mut self, settings: &Settings) -> Result<(), Error> {
        for text in settings.switch_from(&self.current) {
            match self.session.client().batch_execute(&text).await {
                Err(error) if error.as_db_error().is_none() => return Err(error),
                _ => {}
            }
        }
        self.current = settings.clone();
        Ok(())
    }

    /// What is to be reported: the causes, and not what failed because of them.
    fn rejected(&self) -> Vec<Rejected> {
        let failed: Vec<(usize, &DbError)> =
            self.pending.iter().filter_map(|index| Some((*index, self.errors.get(index)?))).collect();
        let causes: Vec<(usize, &DbError)> =
            failed.iter().copied().filter(|(index, error)| !self.is_consequence(*index, error)).collect();
        let told = if causes.is_empty() { failed } else { causes };
        let settings = self.wrong_settings.iter().map(|(index, error)| (*index, error));
        let mut rejected: Vec<Rejected> =
            settings.chain(told).map(|(index, error)| rejection(&self.statements[index], error)).collect();
        rejected.sort_by(|one, other| one.statement.cmp(&other.statement));
        rejected.dedup();
        rejected
    }

    /// Whether a statement lacks what another one would have created that failed too.
    fn is_consequence(&self, index: usize, error: &DbError) -> bool {
        const WANTING: [&SqlState; 5] = [
            &SqlState::UNDEFINED_TABLE,
            &SqlState::UNDEFINED_COLUMN,
            &SqlState::UNDEFINED_FUNCTION,
            &SqlState::UNDEFINED_OBJECT,
            &SqlState::INVALID_SCHEMA_NAME,
        ];
        let words: BTreeSet<&str> =
            error.message().split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        WANTING.contains(&error.code())
            && self.pending.iter().filter(|other| **other != index).any(|other| {
                let created = self.statements[*other].creates.as_ref();
                created.is_some_and(|key| {
                    key.path.get(1).or(key.path.first()).is_some_and(|name| words.contains(&**name))
                })
            })
    }
}

/// What statements that went before hold back: the greatest layer among them.
#[derive(Default)]
struct Holding<'a> {
    created: BTreeMap<&'a Key, usize>,
    touched: BTreeMap<(Class, &'a Key), usize>,
}

impl<'a> Holding<'a> {
    fn add(&mut self, statement: &'a Statement, layer: usize) {
        if let Some(key) = &statement.creates {
            let slot = self.created.entry(key).or_insert(layer);
            *slot = layer.max(*slot);
        }
        for key in &statement.touches {
            let slot = self.touched.entry((statement.class, key)).or_insert(layer);
            *slot = layer.max(*slot);
        }
    }

    fn holds(&self, statement: &'a Statement) -> Option<usize> {
        let keys = || statement.creates.iter().chain(&statement.touches);
        let created = keys().filter_map(|key| self.created.get(key));
        created.chain(keys().filter_map(|key| self.touched.get(&(statement.class, key)))).copied().max()
    }
}

/// Whether the statement failed only because PostgreSQL has it from the start.
fn is_there_already(statement: &Statement, error: &DbError) -> bool {
    let creates = |space, name: &str| {
        statement.creates.as_ref().is_some_and(|key| key.space == space && key.path == [name])
    };
    match statement.class {
        Class::Role => role_exists(error),
        _ => {
            creates(Space::Schema, "public") && *error.code() == SqlState::DUPLICATE_SCHEMA
                || creates(Space::Extension, "plpgsql") && *error.code() == SqlState::DUPLICATE_OBJECT
        }
    }
}

fn rejection(statement: &Statement, error: &DbError) -> Rejected {
    let at = match error.position() {
        Some(ErrorPosition::Original(position)) => {
            let before = (*position as usize).saturating_sub(1);
            let offset =
                statement.text.char_indices().nth(before).map_or(statement.text.len(), |(offset, _)| offset);
            statement.at.advanced(&statement.text, offset)
        }
        _ => statement.at.clone(),
    };
    Rejected {
        at,
        statement: statement.at.clone(),
        message: error.message().to_owned(),
        detail: error.detail().map(str::to_owned),
        hint: error.hint().map(str::to_owned),
        code: error.code().code().to_owned(),
    }
}
