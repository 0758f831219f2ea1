//! A schema that changes while it is read: what was read is the one before or the one after, never a part of each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{Database, runtime, server_of};
use trueup::{catalog::Catalog, source::live};

/// A column, and a view over it whose text PostgreSQL prints as of now, not as of the snapshot.
const WATCHED: &str = "CREATE TABLE watched (a int); CREATE VIEW seen AS SELECT a AS seen FROM watched;";

/// So many that a second session reads with the first one.
const MANY: &str = "DO $$ BEGIN FOR number IN 1..600 LOOP
    EXECUTE format('CREATE TABLE filler_%s (id int PRIMARY KEY, label text DEFAULT ''none'', UNIQUE (label, id))', number);
    END LOOP; END $$;";

/// What the column is called, by itself and in the view.
fn names(catalog: &Catalog) -> (&'static str, &'static str) {
    let object = |name: &str| catalog.objects.iter().find(|(id, _)| id.to_string() == name);
    let (_, view) = object("view public.seen").unwrap();
    let view = serde_json::to_string(view).unwrap();
    (
        if object("column public.watched.a").is_some() { "a" } else { "b" },
        if view.contains("watched.a") { "a" } else { "b" },
    )
}

fn check(many: bool) {
    runtime().block_on(async {
        let sql = if many { format!("{MANY}{WATCHED}") } else { WATCHED.to_owned() };
        let database = Database::with_on(server_of(None), &sql).await.unwrap();
        let (reader, writer) = (database.session().await, database.session().await);
        let (mut changed, mut torn) = (0, Vec::new());
        for round in 0..24 {
            let (from, to) = if round % 2 == 0 { ("a", "b") } else { ("b", "a") };
            // later in each round, by work and not by the clock
            let work = round * if many { 120_000 } else { 20_000 };
            let change = format!(
                "SELECT sum(n) FROM generate_series(1, {work}) n; ALTER TABLE watched RENAME COLUMN {from} TO {to}"
            );
            let (read, written) = tokio::join!(live::read(&reader), writer.client().batch_execute(&change));
            written.unwrap();
            let (column, view) = names(&read.unwrap());
            changed += usize::from(column == to);
            if column != view {
                torn.push(format!("round {round}: the column is {column}, the view's is {view}"));
            }
        }
        assert!(torn.is_empty(), "{}", torn.join("\n"));
        assert!(changed > 0, "no change came before the end of a reading");
        assert!(!many || changed < 24, "no change came after the beginning of a reading");
        for session in [reader, writer] {
            session.close().await;
        }
        database.done().await;
    });
}

#[test]
fn a_few_objects() {
    check(false);
}

#[test]
fn many_objects_read_by_two_sessions() {
    check(true);
}
