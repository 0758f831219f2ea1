//! Every row of the catalogs is accounted for: it was read by a kind, goes with one that was or with an extension, or is
//! listed as unmanaged. What is none of these, whatever class it is of, is listed too, so that no object is passed over
//! without a word because nobody thought of its class.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    live::ReadError,
    rows::{Address, Row, get},
};
use crate::{name::Kind, postgres::Session};

/// What there is, by class.
pub(super) const ACCOUNTS: &str = include_str!("accounts.sql");

/// What rows of any class are called, and a state that changes with them as far as one is known. PostgreSQL may have no
/// name for what is of a class that is not in accounts.sql.
const NAMES: &str = "
SELECT CASE WHEN u.known THEN concat(u.prefix, o.type, ' ', o.identity) ELSE format('row %s of %s', u.objid, u.class) END,
       md5((SELECT string_agg(d.description, ',' ORDER BY d.objsubid) FROM pg_description d
            WHERE u.prefix = 'comment on ' AND d.classoid = u.class AND d.objoid = u.objid))
FROM (SELECT u.class::regclass AS class, u.known, u.prefix, u.objid
      FROM unnest($1::oid[], $2::bool[], $3::text[], $4::oid[]) AS u (class, known, prefix, objid)) AS u
LEFT JOIN LATERAL pg_identify_object(CASE WHEN u.known AND u.class <> 'pg_largeobject'::regclass THEN u.class END, u.objid, 0) AS o ON true
LEFT JOIN pg_constraint k ON u.class = 'pg_constraint'::regclass AND k.oid = u.objid
LEFT JOIN pg_trigger t ON u.class = 'pg_trigger'::regclass AND t.oid = u.objid
LEFT JOIN pg_rewrite w ON u.class = 'pg_rewrite'::regclass AND w.oid = u.objid
LEFT JOIN pg_class c ON c.oid = coalesce(t.tgrelid, w.ev_class)
LEFT JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, k.connamespace, CASE WHEN u.class = 'pg_namespace'::regclass THEN u.objid END)
WHERE u.class <> 'pg_largeobject'::regclass
  AND (coalesce(n.nspname, o.schema) !~ '^pg_' AND coalesce(n.nspname, o.schema) NOT IN ('information_schema', 'trueup')) IS NOT FALSE
ORDER BY 1";

/// What became of the rows of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// They were read.
    pub read: usize,
    /// They go with others: members of extensions, the type of a table's rows.
    pub parts: usize,
    /// They are listed as unmanaged.
    pub listed: usize,
}

/// What became of the rows of every class: `pg_class`, `pg_type` …
pub type Accounts = BTreeMap<String, Count>;

/// What was read and listed, with which the rows that there are are compared.
#[derive(Default)]
pub(super) struct Known {
    read: BTreeSet<Address>,
    /// What stands for something that was read.
    parts: BTreeSet<Address>,
    /// How many columns of each relation.
    columns: BTreeMap<u32, i64>,
    /// The class and number of what is listed.
    listed: BTreeSet<(u32, u32)>,
    /// Rows that nothing accounts for: class, whether PostgreSQL knows it by name, what is said before that, number.
    left: (Vec<u32>, Vec<bool>, Vec<&'static str>, Vec<u32>),
}

impl Known {
    /// What stands for something else.
    pub fn part(&mut self, address: Address) {
        self.parts.insert(address);
    }

    /// Something that is listed as unmanaged, and its comment with it.
    pub fn list(&mut self, class: u32, object: u32) {
        self.listed.insert((class, object));
    }

    /// An object of a kind. Comments come last: one that is on nothing that was read, nor says itself what it is on, is
    /// left.
    pub fn read(&mut self, kind: Kind, row: &Row) {
        let (class, object, _) = row.address;
        match kind {
            Kind::Privileges => {}
            Kind::Comment => {
                let placed = !row.path.is_empty() || self.read.contains(&row.address);
                if !placed && !self.listed.contains(&(class, object)) {
                    self.leave(class, true, "comment on ", object);
                }
            }
            Kind::Column => *self.columns.entry(object).or_default() += 1,
            _ => _ = self.read.insert(row.address),
        }
    }

    fn leave(&mut self, class: u32, known: bool, prefix: &'static str, object: u32) {
        self.left.0.push(class);
        self.left.1.push(known);
        self.left.2.push(prefix);
        self.left.3.push(object);
    }

    /// Compares what there is with what was read and listed. Returns the count of each class, and the names and states
    /// of what nothing accounts for.
    pub async fn balance(
        mut self,
        session: &Session,
        rows: &[tokio_postgres::Row],
    ) -> Result<(Accounts, Vec<(String, String)>), ReadError> {
        let mut accounts = Accounts::new();
        for row in rows {
            let class: String = get(row, 0)?;
            let (named, number): (bool, u32) = (get(row, 1)?, get(row, 2)?);
            let (total, columns): (i64, Option<Vec<i64>>) = (get(row, 3)?, get(row, 5)?);
            let objects: Vec<u32> = get::<Option<_>>(row, 4)?.unwrap_or_default();
            let mut count = Count::default();
            let rows = columns.unwrap_or_else(|| vec![1; objects.len()]);
            let mut rest: i64 = 0;
            for (object, rows) in objects.into_iter().zip(rows) {
                rest += rows;
                let (read, prefix) = if class == "pg_attribute" {
                    (self.columns.get(&object) == Some(&rows), "columns of ")
                } else {
                    let address = (number, object, 0);
                    (self.read.contains(&address) || self.parts.contains(&address), "")
                };
                let rows = usize::try_from(rows).unwrap_or_default();
                if read {
                    count.read += rows;
                    continue;
                }
                count.listed += rows;
                if !self.listed.contains(&(number, object)) {
                    self.leave(number, named, prefix, object);
                }
            }
            count.parts = usize::try_from(total - rest).unwrap_or_default();
            accounts.insert(class, count);
        }
        tracing::debug!("rows by class: {accounts:?}");
        let (classes, named, prefixes, objects) = &self.left;
        if classes.is_empty() {
            return Ok((accounts, Vec::new()));
        }
        let failed = |source| ReadError::Query { what: "objects that nobody knows".to_owned(), source };
        let names =
            session.client().query(NAMES, &[classes, named, prefixes, objects]).await.map_err(failed)?;
        let names = names.iter().map(|row| Ok((get(row, 0)?, get::<Option<_>>(row, 1)?.unwrap_or_default())));
        Ok((accounts, names.collect::<Result<_, ReadError>>()?))
    }
}
