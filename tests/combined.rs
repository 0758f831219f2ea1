//! Two or three changes of one table in one plan, while code runs: what is there before and after is there all the time.
//!
//! Each database has statements that fail the moment something is missing: rows that are counted, a row that has to be
//! refused, a view, a default.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{
    Database,
    faults::{self, killed_in_every_batch},
    runtime, server_of,
    writers::{ROWS, Writers},
};

/// A change, and the code that uses what it changes.
struct Change {
    /// What is there before and after, besides.
    stays: &'static str,
    before: &'static str,
    after: &'static str,
    /// What the table gets before code runs.
    rows: &'static str,
    code: &'static [&'static str],
}

/// There and back while code runs, and once more there and back by a trueup that is killed in every batch.
fn changed_while_code_runs(major: u16, change: &Change) {
    let Change { stays, before, after, rows, code } = change;
    let rows = rows.replace("$rows", &ROWS.to_string());
    runtime().block_on(async {
        let database =
            Database::with_on(server_of(Some(major)), &format!("{before}{stays}{rows}")).await.unwrap();
        let dump = database.dump().await;
        database.plan_approved(&format!("{after}{stays}")).await;
        let writers = Writers::start(&database, code, 10_000_000).await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        faults::install(&database).await;
        killed_in_every_batch(&database, "plan", &["apply", "plan", "--phase", "all"]).await;
        killed_in_every_batch(&database, "plan", &["rollback", "plan"]).await;
        writers.end(&format!("code on {major}, there and back twice")).await;
        database.dump().await.must_equal(&dump, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

/// A partition's bounds and the index that all partitions have.
const BOUNDS: Change = Change {
    stays: "",
    before: "CREATE TABLE log (region text NOT NULL, at bigint NOT NULL) PARTITION BY LIST (region);
        CREATE TABLE log_north PARTITION OF log FOR VALUES IN ('no');
        CREATE TABLE log_rest PARTITION OF log DEFAULT;
        CREATE INDEX log_at ON log (at);",
    after: "CREATE TABLE log (region text NOT NULL, at bigint NOT NULL) PARTITION BY LIST (region);
        CREATE TABLE log_north PARTITION OF log FOR VALUES IN ('no', 'nw');
        CREATE TABLE log_rest PARTITION OF log DEFAULT;
        CREATE INDEX log_at ON log (at, region);",
    rows: "INSERT INTO log SELECT 'no', n FROM generate_series(1, $rows) n;
        INSERT INTO log SELECT 'so', n FROM generate_series(1, $rows) n;",
    code: &[
        // a division by zero where a row is missing
        "SELECT 1 / count(*) FROM log WHERE region = 'no' AND at = $1::bigint AND $2::bigint > 0",
        "SELECT 1 / count(*) FROM log WHERE at = $1::bigint AND region = 'so' AND $2::bigint > 0",
        "INSERT INTO log SELECT 'no', $2::bigint WHERE $1::bigint > 0",
        "INSERT INTO log SELECT 'ea', $2::bigint WHERE $1::bigint > 0",
        "UPDATE log SET region = 'we' WHERE region = 'ea' AND at = $2::bigint AND $1::bigint > 0",
    ],
};

/// A primary key that moves to another column, under a foreign key.
const KEY: Change = Change {
    stays: "CREATE FUNCTION orphan(n bigint) RETURNS void LANGUAGE plpgsql AS $$BEGIN
            INSERT INTO public.entry VALUES (-n);
            RAISE EXCEPTION 'an orphan came in';
        EXCEPTION WHEN foreign_key_violation THEN NULL; END$$;
        CREATE FUNCTION twin(n bigint) RETURNS void LANGUAGE plpgsql AS $$BEGIN
            INSERT INTO public.account VALUES (n, 'twin' || n), (n, 'twin of ' || n);
            RAISE EXCEPTION 'a twin came in';
        EXCEPTION WHEN unique_violation THEN NULL; END$$;",
    before: "CREATE TABLE account (id bigint, code text NOT NULL, CONSTRAINT account_pkey PRIMARY KEY (id));
        CREATE TABLE entry (account_id bigint NOT NULL CONSTRAINT entry_account REFERENCES account (id) ON DELETE CASCADE);",
    after: "CREATE TABLE account (id bigint NOT NULL, code text NOT NULL, CONSTRAINT account_pkey PRIMARY KEY (code),
            CONSTRAINT account_id_key UNIQUE (id));
        CREATE TABLE entry (account_id bigint NOT NULL CONSTRAINT entry_account REFERENCES account (id) ON DELETE CASCADE);",
    rows: "INSERT INTO account SELECT n, 'a' || n FROM generate_series(1, $rows) n;
        INSERT INTO entry SELECT n FROM generate_series(1, $rows) n;",
    code: &[
        "INSERT INTO account SELECT $2::bigint, 'a' || $2::bigint WHERE $1::bigint > 0",
        "INSERT INTO entry SELECT $2::bigint WHERE $1::bigint > 0",
        "SELECT orphan($2::bigint + $1::bigint)",
        "SELECT twin($2::bigint * 2 + $1::bigint * 0 + 1000000000)",
        "DELETE FROM account WHERE id = $2::bigint AND $1::bigint % 2 = 0",
    ],
};

/// A label that goes, under an index, a view and a default.
const LABEL: Change = Change {
    stays: "",
    before: "CREATE TYPE state AS ENUM ('new', 'open', 'done');
        CREATE TABLE job (id bigint PRIMARY KEY, now state NOT NULL DEFAULT 'open');
        CREATE UNIQUE INDEX job_open ON job (id) WHERE now = 'open';
        CREATE VIEW job_now AS SELECT id, now FROM job;",
    after: "CREATE TYPE state AS ENUM ('open', 'done');
        CREATE TABLE job (id bigint PRIMARY KEY, now state NOT NULL DEFAULT 'open');
        CREATE UNIQUE INDEX job_open ON job (id) WHERE now = 'open';
        CREATE VIEW job_now AS SELECT id, now FROM job;",
    rows: "INSERT INTO job SELECT n, CASE WHEN n % 2 = 0 THEN state 'open' ELSE 'done' END FROM generate_series(1, $rows) n;",
    code: &[
        "SELECT 1 / count(*) FROM job_now WHERE id = $1::bigint AND $2::bigint > 0",
        "INSERT INTO job (id) SELECT $2::bigint WHERE $1::bigint > 0",
        "UPDATE job SET now = 'done' WHERE id = $2::bigint AND $1::bigint > 0",
    ],
};

/// A type that is narrower, under a view, a default, a check and an index.
const TYPE: Change = Change {
    stays: "CREATE FUNCTION nameless(n bigint) RETURNS void LANGUAGE plpgsql AS $$BEGIN
            INSERT INTO public.ticket VALUES (-n, '');
            RAISE EXCEPTION 'the check is away';
        EXCEPTION WHEN check_violation THEN NULL; END$$;",
    before: "CREATE TABLE ticket (id bigint PRIMARY KEY, state text NOT NULL DEFAULT 'open', CONSTRAINT known CHECK (state <> ''));
        CREATE INDEX ticket_state ON ticket (state) WHERE state <> 'closed';
        CREATE VIEW open_ticket AS SELECT id, state FROM ticket WHERE state <> 'closed';",
    after: "CREATE TABLE ticket (id bigint PRIMARY KEY, state varchar(20) NOT NULL DEFAULT 'open', CONSTRAINT known CHECK (state <> ''));
        CREATE INDEX ticket_state ON ticket (state) WHERE state <> 'closed';
        CREATE VIEW open_ticket AS SELECT id, state FROM ticket WHERE state <> 'closed';",
    rows: "INSERT INTO ticket SELECT n, 'open' FROM generate_series(1, $rows) n;",
    code: &[
        "SELECT 1 / count(*) FROM open_ticket WHERE id = $1::bigint AND $2::bigint > 0",
        "INSERT INTO ticket (id) SELECT $2::bigint WHERE $1::bigint > 0",
        "SELECT nameless($2::bigint + $1::bigint)",
        "UPDATE ticket SET state = 'late' WHERE id = $2::bigint AND $1::bigint > 0",
    ],
};

/// A column that refuses NULL and comes into an index and a key.
const INDEX: Change = Change {
    stays: "",
    before: "CREATE TABLE stock (a bigint NOT NULL, b bigint, CONSTRAINT stock_one UNIQUE (a));
        CREATE INDEX stock_by ON stock (a);",
    after: "CREATE TABLE stock (a bigint NOT NULL, b bigint NOT NULL, CONSTRAINT stock_one UNIQUE (a, b));
        CREATE INDEX stock_by ON stock (a, b);",
    rows: "INSERT INTO stock SELECT n, n FROM generate_series(1, $rows) n;",
    code: &[
        "INSERT INTO stock SELECT $2::bigint, $1::bigint",
        "UPDATE stock SET b = b + 1 WHERE a = $2::bigint AND $1::bigint > 0",
        "SELECT 1 / count(*) FROM stock WHERE a = $1::bigint AND $2::bigint > 0",
    ],
};

/// A materialized view that gets a column which the table gets, under an index and a view.
const VIEW: Change = Change {
    stays: "CREATE UNIQUE INDEX total_id ON total (id); CREATE VIEW few AS SELECT id, amount FROM total;",
    before: "CREATE TABLE sale (id bigint PRIMARY KEY, amount bigint);
        CREATE MATERIALIZED VIEW total AS SELECT id, amount FROM sale;",
    after: "CREATE TABLE sale (id bigint PRIMARY KEY, amount bigint, tax bigint);
        CREATE MATERIALIZED VIEW total AS SELECT id, amount, tax FROM sale;",
    rows: "INSERT INTO sale SELECT n, n FROM generate_series(1, $rows) n; REFRESH MATERIALIZED VIEW total;",
    code: &[
        "SELECT 1 / count(*) FROM total WHERE id = $1::bigint AND $2::bigint > 0",
        "SELECT 1 / count(*) FROM few WHERE id = $1::bigint AND $2::bigint > 0",
        "INSERT INTO sale (id, amount) SELECT $2::bigint, $1::bigint",
        "UPDATE sale SET amount = 0 WHERE id = $2::bigint AND $1::bigint > 0",
    ],
};

/// Two columns that are renamed online, one that is converted, and one that is computed from a renamed one, with indexes that
/// they share: one pass fills them all.
const PASS: Change = Change {
    stays: "",
    before:
        "CREATE TABLE crew (id bigint PRIMARY KEY, nick text, fax text, age int, port int, UNIQUE (fax, id));
        CREATE INDEX by_name ON crew (nick, fax);
        CREATE INDEX by_name_and_age ON crew (nick, age);",
    after: "CREATE TABLE crew (id bigint PRIMARY KEY,
            alias text, -- @renamed from=nick online
            phone text, -- @renamed from=fax online
            age text, -- @convert using=age
            port int,
            loud text, -- @backfill using=upper(alias)
            UNIQUE (phone, id)
        );
        CREATE INDEX by_name ON crew (alias, phone);
        CREATE INDEX by_name_and_age ON crew (alias, age);",
    rows: "INSERT INTO crew SELECT n, 'n' || n, 'f' || n, n, n FROM generate_series(1, $rows) n;",
    code: &[
        "UPDATE crew SET port = $2::bigint % 100, age = age WHERE id = $1::bigint",
        "INSERT INTO crew (id, port) SELECT $2::bigint, 1 WHERE $1::bigint > 0",
        "INSERT INTO crew (id, port) SELECT $1::bigint, $2::bigint % 100 ON CONFLICT (id) DO UPDATE SET port = EXCLUDED.port",
        "SELECT 1 / count(age) FROM crew WHERE id = $1::bigint AND $2::bigint > 0",
    ],
};

/// One test a change and major version.
macro_rules! changes {
    ($($name:ident: $change:ident on $major:literal,)*) => {
        $(#[test]
        fn $name() {
            changed_while_code_runs($major, &$change);
        })*
    };
}

changes! {
    bounds_and_an_index_of_partitions_on_15: BOUNDS on 15,
    bounds_and_an_index_of_partitions_on_18: BOUNDS on 18,
    a_primary_key_moves_under_a_foreign_key_on_15: KEY on 15,
    a_primary_key_moves_under_a_foreign_key_on_18: KEY on 18,
    a_label_goes_under_an_index_and_a_view_on_15: LABEL on 15,
    a_label_goes_under_an_index_and_a_view_on_18: LABEL on 18,
    a_type_changes_under_a_view_and_a_check_on_15: TYPE on 15,
    a_type_changes_under_a_view_and_a_check_on_18: TYPE on 18,
    an_index_gets_a_column_that_refuses_null_on_15: INDEX on 15,
    an_index_gets_a_column_that_refuses_null_on_18: INDEX on 18,
    columns_are_renamed_converted_and_filled_on_15: PASS on 15,
    columns_are_renamed_converted_and_filled_on_18: PASS on 18,
    a_materialized_view_gets_a_column_under_a_view_on_15: VIEW on 15,
    a_materialized_view_gets_a_column_under_a_view_on_18: VIEW on 18,
}
