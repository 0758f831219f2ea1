//! What is looked at when a phase has run and the catalog is what it should be: things that a catalog can have and a
//! good one has not. They are said and written into the journal; the phase is done all the same.

use std::{collections::BTreeSet, fmt};

use super::checklist::{Check, Verdict, invalid_indexes, must};
use crate::{
    plan::Plan,
    postgres::{Session, server_words},
    step::Phase,
    visible::visible_line,
};

/// Of the relations of these on which the steps of the phase were.
pub(super) async fn look(session: &Session, plan: &Plan, phase: Phase) -> Vec<Check> {
    let steps = plan.steps.iter().filter(|step| step.phase == phase);
    let relations: BTreeSet<String> = steps
        .filter_map(|step| must::relation(&step.object.target().unwrap_or_else(|| step.object.clone())))
        .map(|relation| relation.sql())
        .collect();
    let relations: Vec<&str> = relations.iter().map(String::as_str).collect();
    let mut checks = Vec::new();
    if relations.is_empty() {
        return checks;
    }
    match invalid_indexes(session, &relations).await {
        Ok(check) => checks.extend((check.verdict > Verdict::Pass).then_some(check)),
        Err(error) => checks.push(unknown("invalid indexes", &error)),
    }
    for (name, sql, next) in [
        ("constraints", UNVALIDATED, "VALIDATE CONSTRAINT when the rows that are there may be looked at"),
        ("triggers", DISABLED, "ENABLE TRIGGER, unless they are meant to be off"),
    ] {
        match session.client().query(sql, &[&relations]).await {
            Ok(rows) if rows.is_empty() => {}
            Ok(rows) => {
                let found: Vec<String> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
                checks.push(Check::warn(name, found.join(", "), next));
            }
            Err(error) => checks.push(unknown(name, &server_words(&error))),
        }
    }
    match behind(session, &relations).await {
        Ok(found) if found.is_empty() => {}
        Ok(found) => checks.push(Check::warn(
            "sequences",
            found.join(", "),
            "setval() them behind the greatest value: the next INSERT may take one that is there",
        )),
        Err(error) => checks.push(unknown("sequences", &server_words(&error))),
    }
    checks
}

fn unknown(name: &'static str, why: &impl fmt::Display) -> Check {
    let why = why.to_string();
    Check::warn(name, format!("could not be looked at: {}", visible_line(&why)), "look at them by hand")
}

const UNVALIDATED: &str = "\
SELECT pg_catalog.quote_ident(k.conname) || ' of ' || k.conrelid::pg_catalog.regclass || ' is not validated' \
  FROM pg_catalog.pg_constraint k \
  JOIN unnest($1::text[]) AS touched(name) ON pg_catalog.to_regclass(touched.name) = k.conrelid \
 WHERE NOT k.convalidated AND k.conparentid = 0 AND k.conname NOT LIKE 'trueup\\_%' ORDER BY 1";

const DISABLED: &str = "\
SELECT pg_catalog.quote_ident(t.tgname) || ' of ' || t.tgrelid::pg_catalog.regclass || ' is disabled' \
  FROM pg_catalog.pg_trigger t \
  JOIN unnest($1::text[]) AS touched(name) ON pg_catalog.to_regclass(touched.name) = t.tgrelid \
 WHERE t.tgenabled = 'D' AND NOT t.tgisinternal ORDER BY 1";

/// The sequences of columns that an index finds the greatest value of at once.
const COUNTERS: &str = "\
SELECT s.oid::pg_catalog.regclass::text, d.refobjid::pg_catalog.regclass::text, pg_catalog.quote_ident(a.attname) \
  FROM pg_catalog.pg_class s \
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.oid \
   AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0 \
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
  JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0 AND NOT q.seqcycle \
  JOIN unnest($1::text[]) AS touched(name) ON pg_catalog.to_regclass(touched.name) = d.refobjid \
 WHERE s.relkind = 'S' AND a.atttypid IN ('int2'::pg_catalog.regtype, 'int4'::pg_catalog.regtype, 'int8'::pg_catalog.regtype) \
   AND EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
                 JOIN pg_catalog.pg_am m ON m.oid = x.relam AND m.amname = 'btree' \
                WHERE i.indrelid = d.refobjid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL) \
 ORDER BY 1";

async fn behind(session: &Session, relations: &[&str]) -> Result<Vec<String>, tokio_postgres::Error> {
    let counters = session.client().query(COUNTERS, &[&relations]).await?;
    let mut asked = Vec::new();
    for row in counters {
        let (sequence, table, column): (String, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let said = crate::sql::literal(&format!("{sequence} of {table}"));
        asked.push(format!(
            "SELECT {said} || ' is at ' || s.last_value || ', and ' || m.most || ' is there' FROM {sequence} s, \
             LATERAL (SELECT pg_catalog.max({column}) AS most FROM {table}) m \
             WHERE m.most > s.last_value OR m.most = s.last_value AND NOT s.is_called"
        ));
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.client().query(&asked.join(" UNION ALL "), &[]).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}
