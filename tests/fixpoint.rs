//! A database against dumps of itself: PostgreSQL's deparsing is no fixpoint, and none of that may be a difference.
//!
//! `fixpoint/shapes.sql` has every shape that is known to print otherwise once it is loaded again. Three databases have
//! the same schema: made by that SQL, by its dump, by the dump of that. Each against the SQL of each plans to nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{Database, dump::Dump, runtime, server_of};
use trueup::postgres::Target;

const SHAPES: &str = include_str!("fixpoint/shapes.sql");

fn check(major: u16) {
    runtime().block_on(async {
        let server: &'static Target = server_of(Some(major));
        let first = Database::with_on(server, SHAPES).await.unwrap();
        let first_dump = first.dump().await;
        let second = Database::with_on(server, first_dump.sql()).await.unwrap();
        let second_dump = second.dump().await;
        let third = Database::with_on(server, second_dump.sql()).await.unwrap();
        let third_dump = third.dump().await;
        assert_ne!(first_dump, second_dump, "nothing in the shapes prints otherwise when it is loaded again");
        assert_eq!(second_dump, third_dump, "the second round is not the last one");
        for (name, database) in [("first", &first), ("second", &second), ("third", &third)] {
            nothing_to_do(name, database, "SQL as it was written", SHAPES).await;
            for (what, dump) in [("its dump", &first_dump), ("the dump's dump", &second_dump)] {
                nothing_to_do(name, database, what, Dump::sql(dump)).await;
            }
        }
        for database in [first, second, third] {
            database.done().await;
        }
    });
}

async fn nothing_to_do(name: &str, database: &Database, what: &str, sql: &str) {
    database.write("desired.sql", sql);
    let planning = ["plan", "--schema", "desired.sql", "--out", "plan", "--exit-code", "--manage", "all"];
    let planned = database.trueup(&planning).await;
    assert_eq!(planned.code, Some(0), "the {name} database against {what}:\n{}", planned.shown());
}

#[test]
fn a_database_is_what_its_dump_says_on_15() {
    check(15);
}

#[test]
fn a_database_is_what_its_dump_says_on_18() {
    check(18);
}
