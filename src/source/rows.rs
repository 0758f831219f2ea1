//! What the introspection queries return, before a catalog is made of it. In this form a reading can be kept: nothing
//! that a kind's struct takes in is lost, also what it does not count as a difference.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::{FromSql, Type};

use super::{
    accounts::{ACCOUNTS, Accounts, Known},
    beside::{self, Beginning},
    live::ReadError,
    steady::{self, Watch},
};
use crate::{
    catalog::Fingerprint,
    kind::Object,
    name::{Kind, ObjectId},
    postgres::Session,
};

/// Addresses that stand for another object: a row type for its table, an index for its constraint.
const ALIASES: &str = include_str!("aliases.sql");

/// What PostgreSQL knows of who needs whom.
const DEPENDENCIES: &str = include_str!("dependencies.sql");

/// Objects of classes that trueup does not model.
const UNMANAGED: &str = include_str!("unmanaged.sql");

/// A kind and what finds its objects.
type Query = (Kind, &'static str);

/// How an object is known in `pg_depend`: classid, objid, objsubid.
pub(super) type Address = (u32, u32, i32);

/// How much of a database is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every row of every catalog is read, or accounted for.
    Everything,
    /// What the kinds read.
    Managed,
    /// The same of a database that nobody else can change meanwhile.
    Scratch,
}

/// One reading of a database.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rows {
    pub(super) kinds: Vec<(Kind, Vec<Row>)>,
    pub(super) aliases: Vec<(Address, Address)>,
    pub(super) dependencies: Vec<(Address, Address)>,
    pub(super) unmanaged: Vec<(String, String)>,
    /// What became of every row.
    #[serde(skip)]
    pub accounts: Accounts,
}

/// An object as its kind's query returns it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub address: Address,
    pub path: Vec<String>,
    pub json: String,
    /// What the JSON says.
    #[serde(skip)]
    pub object: Option<Object>,
}

impl Rows {
    /// Parses those objects of which only the JSON was kept.
    pub(super) fn parse(&mut self) -> Result<(), ReadError> {
        self.kinds.iter_mut().try_for_each(|(kind, rows)| parse(*kind, rows))
    }

    /// Accounts for every row that there is.
    async fn account(
        &mut self,
        session: &Session,
        unmanaged: &[tokio_postgres::Row],
        accounts: &[tokio_postgres::Row],
    ) -> Result<(), ReadError> {
        let mut known = Known::default();
        for row in unmanaged {
            known.list(get(row, 2)?, get(row, 3)?);
            self.unmanaged.push((get(row, 0)?, get(row, 1)?));
        }
        for (part, _) in &self.aliases {
            known.part(*part);
        }
        for (kind, rows) in &self.kinds {
            for row in rows {
                known.read(*kind, row);
            }
        }
        let (accounts, unknown) = known.balance(session, accounts).await?;
        self.accounts = accounts;
        self.unmanaged.extend(unknown);
        Ok(())
    }

    /// Changes when the queries do, and with them what rows mean.
    pub fn version() -> Fingerprint {
        let kinds = Object::QUERIES.iter().map(|(_, query)| *query);
        let all: Vec<&str> = kinds.chain([ALIASES, DEPENDENCIES, UNMANAGED, ACCOUNTS]).collect();
        Fingerprint::of(all.join("\0"))
    }
}

/// Sends all queries at once; some of them on a second connection, if there is much to read.
pub(super) async fn fetch(
    session: &Session,
    beginning: &Beginning,
    extent: Extent,
) -> Result<(Watch, Rows), ReadError> {
    let Beginning { kinds, join, .. } = beginning;
    let queries = Object::QUERIES.iter().copied().filter(|(kind, _)| kinds.contains(kind));
    let apart = |(kind, _): &Query| join.is_some() && beside::KINDS.contains(kind);
    let (there, here): (Vec<Query>, Vec<Query>) = queries.partition(apart);
    let there = async {
        let sibling = match join {
            Some(join) => beside::open(session, join).await,
            None => None,
        };
        let other = sibling.as_ref().unwrap_or(session);
        let (more, aliases, dependencies) = futures_util::try_join!(
            objects(other, there),
            query(other, "aliases", ALIASES),
            query(other, "dependencies", DEPENDENCIES),
        )?;
        Ok((sibling, more, aliases, dependencies))
    };
    let state = async {
        match join {
            None if extent != Extent::Scratch => steady::state(session).await.map(Some),
            _ => Ok(None),
        }
    };
    let others = async {
        match extent {
            Extent::Managed | Extent::Scratch => Ok(None),
            Extent::Everything => {
                let unmanaged = query(session, "unmanaged", UNMANAGED);
                futures_util::try_join!(unmanaged, query(session, "accounts", ACCOUNTS)).map(Some)
            }
        }
    };
    let (state, mut kinds, others, (sibling, more, aliases, dependencies)) =
        futures_util::try_join!(state, objects(session, here), others, there)?;
    kinds.extend(more);
    kinds.sort_by_key(|(kind, _)| *kind);
    let links = |rows: Vec<tokio_postgres::Row>| rows.iter().map(link).collect::<Result<Vec<_>, _>>();
    let (aliases, dependencies) = (links(aliases)?, links(dependencies)?);
    let watch =
        Watch { state, sibling, snapshot: beginning.snapshot.clone(), alone: extent == Extent::Scratch };
    let mut rows =
        Rows { kinds, aliases, dependencies, unmanaged: Vec::new(), accounts: Accounts::default() };
    if let Some((unmanaged, accounts)) = others {
        rows.account(session, &unmanaged, &accounts).await?;
    }
    Ok((watch, rows))
}

/// The objects of some kinds. They are parsed on another thread while the server answers the next query.
async fn objects(session: &Session, queries: Vec<Query>) -> Result<Vec<(Kind, Vec<Row>)>, ReadError> {
    try_join_all(queries.into_iter().map(|(kind, sql)| async move {
        let rows = query(session, kind.label(), sql).await?;
        let parsed = tokio::task::spawn_blocking(move || {
            let mut rows = rows.iter().map(Row::read).collect::<Result<Vec<Row>, _>>()?;
            parse(kind, &mut rows)?;
            Ok((kind, rows))
        });
        parsed.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }))
    .await
}

impl Row {
    fn read(row: &tokio_postgres::Row) -> Result<Self, ReadError> {
        let address = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
        let path: Option<Vec<String>> = get(row, 3)?;
        let JsonText(json) = get(row, 4)?;
        Ok(Self { address, path: path.unwrap_or_default(), json: json.to_owned(), object: None })
    }

    fn understood(&self, kind: Kind) -> Result<Object, ReadError> {
        Object::from_json(kind, &self.json).map_err(|source| ReadError::Row {
            kind: kind.label(),
            path: self.path.clone(),
            source,
        })
    }
}

/// The objects of a kind with the values of their secrets, which nobody may keep.
pub(super) async fn with_secrets(
    session: &Session,
    kind: Kind,
) -> Result<BTreeMap<ObjectId, Object>, ReadError> {
    let Some((_, sql)) = Object::QUERIES.iter().find(|(of, _)| *of == kind) else {
        return Ok(BTreeMap::new());
    };
    let rows = query(session, kind.label(), sql).await?;
    let read = rows.iter().map(|row| {
        let row = Row::read(row)?;
        Ok((ObjectId::new(kind, row.path.clone()), row.understood(kind)?))
    });
    read.collect()
}

fn parse(kind: Kind, rows: &mut [Row]) -> Result<(), ReadError> {
    for row in rows.iter_mut().filter(|row| row.object.is_none()) {
        let mut object = row.understood(kind)?;
        // what is kept, and whatever a catalog is used for, has no secrets
        if object.hide_secrets(&ObjectId::new(kind, row.path.clone())) {
            row.json = object.to_json();
        }
        row.object = Some(object);
    }
    Ok(())
}

fn link(row: &tokio_postgres::Row) -> Result<(Address, Address), ReadError> {
    Ok(((get(row, 0)?, get(row, 1)?, get(row, 2)?), (get(row, 3)?, get(row, 4)?, get(row, 5)?)))
}

pub(super) async fn query(
    session: &Session,
    what: &str,
    sql: &'static str,
) -> Result<Vec<tokio_postgres::Row>, ReadError> {
    session.ask(sql).await.map_err(|source| ReadError::Query { what: what.to_owned(), source })
}

pub(super) fn get<'a, T: FromSql<'a>>(row: &'a tokio_postgres::Row, index: usize) -> Result<T, ReadError> {
    row.try_get(index).map_err(|source| ReadError::Query { what: format!("column {index}"), source })
}

/// A JSON value as the text that the server sent.
struct JsonText<'a>(&'a str);

impl<'a> FromSql<'a> for JsonText<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSON
    }
}
