//! Names and texts that would be SQL of their own if anything of trueup put them into a statement as they are: in every place
//! where one can stand they come through as what they say, there and back, online and in the journal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{Database, runtime};
use trueup::sql::{ident, literal};

/// What ends a name, a string, a dollar-quoted body, a comment, a format or a placeholder.
const EVIL: &[&str] = &[
    "x\"; DROP TABLE victim; --",
    "x'; DROP TABLE victim; --",
    "x\\'); DROP TABLE victim; --",
    "$$; DROP TABLE victim; $$",
    "$trueup$; DROP TABLE victim; $1",
    "x */ DROP TABLE victim; /*",
    "a\n; DROP TABLE victim;\r\n--",
    "%I %L %s {} {0} ${tenant} \u{202e}",
];

/// The same schema twice: what it is made of is called and says `evil` wherever it can.
fn schemas(evil: &str) -> (String, String) {
    let name = |part: &str| ident(&format!("{evil}{part}"));
    let in_schema = |part: &str| format!("{}.{}", ident(evil), name(part));
    let text = |more: &str| literal(&format!("{evil}{more}"));
    let (table, other, label) = (in_schema("t"), in_schema("o"), in_schema("e"));
    // an annotation ends with its line
    let annotate = !evil.contains('\n');
    let one = |after: bool| {
        let say = if after { text(" and more") } else { text("") };
        let renamed = match (after, annotate) {
            (true, true) => {
                format!("{} text NOT NULL, -- @renamed from={} online\n", name("new"), name("old"))
            }
            _ => format!("{} text NOT NULL,\n", name("old")),
        };
        let filled = match (after, annotate) {
            (true, true) => {
                format!(",\n-- @backfill using='${{tenant}} !'\n{} text NOT NULL", name("b"))
            }
            _ => String::new(),
        };
        let labels = if after { format!("{}, {}", text(""), text("2")) } else { text("") };
        let comments = ["TABLE", "VIEW", "TYPE", "FUNCTION", "COLUMN", "SCHEMA"].map(|kind| {
            let of = match kind {
                "TABLE" => table.clone(),
                "VIEW" => in_schema("v"),
                "TYPE" => label.clone(),
                "FUNCTION" => in_schema("f"),
                "COLUMN" => format!("{table}.{}", name("c")),
                _ => ident(evil),
            };
            format!("COMMENT ON {kind} {of} IS {say};\n")
        });
        format!(
            "CREATE TABLE victim (id int PRIMARY KEY);
             CREATE SCHEMA {schema};
             CREATE TYPE {label} AS ENUM ({labels});
             CREATE SEQUENCE {sequence};
             CREATE FUNCTION {function}({p} text) RETURNS text LANGUAGE sql AS {body};
             CREATE FUNCTION {fires}() RETURNS trigger LANGUAGE plpgsql AS {fired};
             CREATE TABLE {table} (
                 {id} int CONSTRAINT {pk} PRIMARY KEY,
                 {c} text DEFAULT {say},
                 {renamed} {l} {label} DEFAULT {first}{filled},
                 CONSTRAINT {check} CHECK ({c} <> {say}));
             CREATE TABLE {other} ({id} int, CONSTRAINT {fk} FOREIGN KEY ({id}) REFERENCES {table});
             CREATE INDEX {index} ON {table} ({c}) WHERE {c} <> {say};
             CREATE VIEW {view} AS SELECT {c} AS {x}, {say}::text AS {y} FROM {table};
             CREATE TRIGGER {trigger} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {fires}({say});
             ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
             CREATE POLICY {policy} ON {table} USING ({c} <> {say});
             {comments}",
            schema = ident(evil),
            sequence = in_schema("s"),
            function = in_schema("f"),
            p = name("p"),
            body = literal(&format!("SELECT {say}")),
            fires = in_schema("g"),
            fired = literal(&format!("BEGIN NEW.{} := {say}; RETURN NEW; END", name("c"))),
            id = name("id"),
            pk = name("pk"),
            c = name("c"),
            l = name("l"),
            first = text(""),
            check = name("ck"),
            fk = name("fk"),
            index = name("i"),
            view = in_schema("v"),
            x = name("x"),
            y = name("y"),
            trigger = name("tr"),
            policy = name("po"),
            comments = comments.concat(),
        )
    };
    (one(false), one(true))
}

/// A plan as the database has it, and what the test looks at: the table that every injection would drop.
async fn victim(database: &Database) -> String {
    database.ask("SELECT string_agg(id::text, ',') FROM victim").await
}

#[test]
fn names_and_texts_come_through_as_they_are() {
    runtime().block_on(async {
        for evil in EVIL {
            let (before, after) = schemas(evil);
            let database = Database::with(&before).await.unwrap_or_else(|error| panic!("{error}\n{before}"));
            let wanted = Database::with(&after).await.unwrap_or_else(|error| panic!("{error}\n{after}"));
            let (base, wanted_dump) = (database.dump().await, wanted.dump().await);
            wanted.done().await;
            let name = |part: &str| ident(&format!("{evil}{part}"));
            let insert = format!(
                "INSERT INTO victim VALUES (1); ALTER TABLE {0}.{1} DISABLE TRIGGER USER;
                 INSERT INTO {0}.{1} ({2}, {3}, {4}) SELECT n, 'c', {5} FROM generate_series(1, 20) n;
                 ALTER TABLE {0}.{1} ENABLE TRIGGER USER",
                ident(evil),
                name("t"),
                name("id"),
                name("c"),
                name("old"),
                literal(evil)
            );
            database.execute(&insert).await;
            let values = toml::Table::from_iter([("tenant".to_owned(), toml::Value::from(*evil))]);
            let config = toml::Table::from_iter([(
                "env".to_owned(),
                toml::Table::from_iter([(
                    "x".to_owned(),
                    toml::Table::from_iter([
                        ("url_env".to_owned(), "DATABASE_URL".into()),
                        ("values".to_owned(), values.into()),
                    ])
                    .into(),
                )])
                .into(),
            )]);
            database.write("trueup.toml", &toml::to_string(&config).unwrap());
            // files and plans are called so, too: but for what a path cannot hold
            let file = format!("{}.sql", evil.replace('/', "|"));
            let plan = format!("plans/{}", evil.replace('/', "|"));
            database.write(&file, &after);
            let run = async |arguments: &[&str], code: i32| {
                database.trueup(&[arguments, &["--env", "x"]].concat()).await.ended(code).unwrap()
            };
            let planning = [
                "plan",
                "--schema",
                &file,
                "--out",
                &plan,
                "--manage",
                "all",
                "--assume-drop",
                "all",
                "--exit-code",
            ];
            run(&planning, 2).await;
            for format in ["text", "markdown", "json", "sql"] {
                run(&["show", &plan, "--format", format], 0).await;
            }
            database.trueup(&["approve", &plan, "--as", evil]).await.fails(1, "cannot be an approver's name");
            let how = ["--as", "alice", "--phase", "all", "--accept", "all", "--reason", evil];
            run(&[&["approve", &plan], &how[..]].concat(), 0).await;
            run(&["preflight", &plan, "--phase", "all"], 0).await;
            run(&["apply", &plan, "--phase", "all"], 0).await;
            run(&["apply", &plan], 0).await;
            database.dump().await.must_equal(&wanted_dump, evil).await.unwrap();
            assert_eq!(victim(&database).await, "1");
            let journal = "SELECT reason FROM trueup.approval LIMIT 1";
            assert_eq!(database.ask(journal).await, *evil);
            if !evil.contains('\n') {
                let filled = format!("SELECT DISTINCT {} FROM {}.{}", name("b"), ident(evil), name("t"));
                assert_eq!(database.ask(&filled).await, format!("{evil} !"));
                let kept = format!("SELECT DISTINCT {} FROM {}.{}", name("new"), ident(evil), name("t"));
                assert_eq!(database.ask(&kept).await, *evil);
            }
            run(&["status", "--schema", &file], 0).await;
            run(&["history"], 0).await;
            run(&["rollback", &plan], 0).await;
            database.dump().await.must_equal(&base, evil).await.unwrap();
            assert_eq!(victim(&database).await, "1");
            database.done().await;
        }
    });
}
