//! What a step's statements may be: what its action does to its object, and nothing else.
//!
//! A plan is read by this before anything of it is shown, approved or run. Each statement is one (PostgreSQL's grammar says
//! so), begins as one of [`FORMS`] or [`HELPERS`] does, and is about the step's object, about what is part of it, about
//! something of trueup's own, or about what the same list of statements takes away and makes again. What is not in these
//! tables is refused: no statement about roles, no COPY, no SET, no block and no function call that trueup does not write.
//!
//! It does not say that a statement is right: what a function's body does, or what is computed for a column, is for
//! reviewers, for the planner's signature, and for `verify --reproduce`.

mod code;
mod pattern;

pub use code::code_of;

use pattern::{Found, Words};

use super::PlannedStep;
use crate::{
    lower::gives_its_trigger,
    name::{Kind, ObjectId},
    sql::{self, Sql},
    stack::with_large_stack,
    step::{Backfill, Operation, Verb, With},
};

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Make,
    Take,
    Change,
    /// ALTER … RENAME TO.
    Rename,
    /// ALTER … OWNER TO.
    Give,
    Comment,
    Grant,
}

use Does::{Change, Comment, Give, Grant, Make, Rename, Take};

/// Statements about one object, by what they do and the word for what it is. Of what is part of a relation, the first
/// name is its own and the second the relation's; what has no name in the pattern is called what stands in the parentheses.
const FORMS: &[(&str, (Does, &str))] = &[
    ("CREATE SCHEMA <it>", (Make, "SCHEMA")),
    ("CREATE EXTENSION <it> ***", (Make, "EXTENSION")),
    ("CREATE COLLATION <it> ( … )", (Make, "COLLATION")),
    ("CREATE TYPE <it> AS ***", (Make, "TYPE")),
    ("CREATE DOMAIN <it> AS ***", (Make, "DOMAIN")),
    ("CREATE [ OR REPLACE ] FUNCTION|PROCEDURE <it> ( … ) ***", (Make, "FUNCTION")),
    ("CREATE AGGREGATE <it> ( … ) ( … )", (Make, "FUNCTION")),
    ("CREATE OPERATOR FAMILY <it> USING <one>", (Make, "OPERATOR FAMILY")),
    ("CREATE OPERATOR CLASS <it> ***", (Make, "OPERATOR CLASS")),
    ("CREATE OPERATOR … ( … )", (Make, "OPERATOR")),
    ("CREATE CAST ( … ) ***", (Make, "CAST")),
    ("CREATE [ DEFAULT ] CONVERSION <it> ***", (Make, "CONVERSION")),
    ("CREATE TEXT SEARCH PARSER <it> ( … )", (Make, "TEXT SEARCH PARSER")),
    ("CREATE TEXT SEARCH TEMPLATE <it> ( … )", (Make, "TEXT SEARCH TEMPLATE")),
    ("CREATE TEXT SEARCH DICTIONARY <it> ( … )", (Make, "TEXT SEARCH DICTIONARY")),
    ("CREATE TEXT SEARCH CONFIGURATION <it> ( … )", (Make, "TEXT SEARCH CONFIGURATION")),
    ("CREATE FOREIGN DATA WRAPPER <it> ***", (Make, "FOREIGN DATA WRAPPER")),
    ("CREATE SERVER <it> ***", (Make, "SERVER")),
    ("CREATE SEQUENCE <it> ***", (Make, "SEQUENCE")),
    ("CREATE UNLOGGED SEQUENCE <it> ***", (Make, "SEQUENCE")),
    ("CREATE [ UNLOGGED ] TABLE <it> ( … ) ***", (Make, "TABLE")),
    ("CREATE [ UNLOGGED ] TABLE <it> OF <it> ***", (Make, "TABLE")),
    ("CREATE FOREIGN TABLE <it> ( … ) ***", (Make, "TABLE")),
    ("CREATE [ OR REPLACE ] VIEW <it> ***", (Make, "VIEW")),
    ("CREATE MATERIALIZED VIEW <it> ***", (Make, "MATERIALIZED VIEW")),
    ("CREATE [ UNIQUE ] INDEX [ CONCURRENTLY ] <one> ON [ ONLY ] <it> ***", (Make, "INDEX")),
    ("CREATE STATISTICS <it> ***", (Make, "STATISTICS")),
    ("CREATE [ OR REPLACE ] RULE <one> AS ON SELECT|INSERT|UPDATE|DELETE TO <it> ***", (Make, "RULE")),
    ("CREATE [ OR REPLACE ] [ CONSTRAINT ] TRIGGER <one> … ON <it> ***", (Make, "TRIGGER")),
    ("CREATE POLICY <one> ON <it> ***", (Make, "POLICY")),
    ("CREATE PUBLICATION <it> ***", (Make, "PUBLICATION")),
    ("CREATE EVENT TRIGGER <it> ON ***", (Make, "EVENT TRIGGER")),
    ("DROP SCHEMA <it>", (Take, "SCHEMA")),
    ("DROP EXTENSION <it>", (Take, "EXTENSION")),
    ("DROP COLLATION <it>", (Take, "COLLATION")),
    ("DROP TYPE <it>", (Take, "TYPE")),
    ("DROP DOMAIN <it>", (Take, "DOMAIN")),
    ("DROP FUNCTION|PROCEDURE|AGGREGATE <it> ( … )", (Take, "FUNCTION")),
    ("DROP OPERATOR FAMILY <it> USING <one>", (Take, "OPERATOR FAMILY")),
    ("DROP OPERATOR CLASS <it> USING <one>", (Take, "OPERATOR CLASS")),
    ("DROP OPERATOR … ( … )", (Take, "OPERATOR")),
    ("DROP CAST ( … )", (Take, "CAST")),
    ("DROP CONVERSION <it>", (Take, "CONVERSION")),
    ("DROP TEXT SEARCH PARSER <it>", (Take, "TEXT SEARCH PARSER")),
    ("DROP TEXT SEARCH TEMPLATE <it>", (Take, "TEXT SEARCH TEMPLATE")),
    ("DROP TEXT SEARCH DICTIONARY <it>", (Take, "TEXT SEARCH DICTIONARY")),
    ("DROP TEXT SEARCH CONFIGURATION <it>", (Take, "TEXT SEARCH CONFIGURATION")),
    ("DROP FOREIGN DATA WRAPPER <it>", (Take, "FOREIGN DATA WRAPPER")),
    ("DROP SERVER <it>", (Take, "SERVER")),
    ("DROP SEQUENCE <it>", (Take, "SEQUENCE")),
    ("DROP [ FOREIGN ] TABLE <it>", (Take, "TABLE")),
    ("DROP VIEW <it>", (Take, "VIEW")),
    ("DROP MATERIALIZED VIEW [ IF EXISTS ] <it>", (Take, "MATERIALIZED VIEW")),
    ("DROP INDEX [ CONCURRENTLY ] [ IF EXISTS ] <it>", (Take, "INDEX")),
    ("DROP STATISTICS <it>", (Take, "STATISTICS")),
    ("DROP RULE <one> ON <it>", (Take, "RULE")),
    ("DROP TRIGGER <one> ON <it>", (Take, "TRIGGER")),
    ("DROP POLICY <one> ON <it>", (Take, "POLICY")),
    ("DROP PUBLICATION <it>", (Take, "PUBLICATION")),
    ("DROP EVENT TRIGGER <it>", (Take, "EVENT TRIGGER")),
    ("ALTER SCHEMA <it> RENAME TO <one>", (Rename, "SCHEMA")),
    ("ALTER SCHEMA <it> OWNER TO <one>", (Give, "SCHEMA")),
    ("ALTER EXTENSION <it> UPDATE [ TO ' ]", (Change, "EXTENSION")),
    ("ALTER EXTENSION <it> SET SCHEMA <one>", (Change, "EXTENSION")),
    ("ALTER COLLATION <it> OWNER TO <one>", (Give, "COLLATION")),
    ("ALTER COLLATION <it> RENAME TO <one>", (Rename, "COLLATION")),
    ("ALTER TYPE <it> OWNER TO <one>", (Give, "TYPE")),
    ("ALTER TYPE <it> RENAME TO <one>", (Rename, "TYPE")),
    ("ALTER TYPE <it> ADD VALUE ***", (Change, "TYPE")),
    ("ALTER TYPE <it> RENAME VALUE ' TO '", (Change, "TYPE")),
    ("ALTER TYPE <it> RENAME ATTRIBUTE <one> TO <one>", (Change, "TYPE")),
    ("ALTER TYPE <it> ADD|ALTER|DROP ATTRIBUTE <one> ***", (Change, "TYPE")),
    ("ALTER DOMAIN <it> OWNER TO <one>", (Give, "DOMAIN")),
    ("ALTER DOMAIN <it> RENAME TO <one>", (Rename, "DOMAIN")),
    ("ALTER DOMAIN <it> RENAME CONSTRAINT <one> TO <one>", (Change, "DOMAIN")),
    ("ALTER DOMAIN <it> SET DEFAULT ***", (Change, "DOMAIN")),
    ("ALTER DOMAIN <it> SET|DROP NOT NULL", (Change, "DOMAIN")),
    ("ALTER DOMAIN <it> DROP DEFAULT", (Change, "DOMAIN")),
    ("ALTER DOMAIN <it> ADD CONSTRAINT <one> ***", (Change, "DOMAIN")),
    ("ALTER DOMAIN <it> VALIDATE|DROP CONSTRAINT <one>", (Change, "DOMAIN")),
    ("ALTER FUNCTION|PROCEDURE|ROUTINE|AGGREGATE <it> ( … ) OWNER TO <one>", (Give, "FUNCTION")),
    ("ALTER FUNCTION|PROCEDURE|ROUTINE|AGGREGATE <it> ( … ) RENAME TO <one>", (Rename, "FUNCTION")),
    ("ALTER OPERATOR FAMILY <it> USING <one> OWNER TO <one>", (Give, "OPERATOR FAMILY")),
    ("ALTER OPERATOR FAMILY <it> USING <one> ADD|DROP ***", (Change, "OPERATOR FAMILY")),
    ("ALTER OPERATOR FAMILY <it> USING <one> RENAME TO <one>", (Rename, "OPERATOR FAMILY")),
    ("ALTER OPERATOR CLASS <it> USING <one> OWNER TO <one>", (Give, "OPERATOR CLASS")),
    ("ALTER OPERATOR CLASS <it> USING <one> RENAME TO <one>", (Rename, "OPERATOR CLASS")),
    ("ALTER OPERATOR … ( … ) OWNER TO <one>", (Give, "OPERATOR")),
    ("ALTER OPERATOR … ( … ) SET ( … )", (Change, "OPERATOR")),
    ("ALTER CONVERSION <it> OWNER TO <one>", (Give, "CONVERSION")),
    ("ALTER CONVERSION <it> RENAME TO <one>", (Rename, "CONVERSION")),
    ("ALTER TEXT SEARCH PARSER <it> RENAME TO <one>", (Rename, "TEXT SEARCH PARSER")),
    ("ALTER TEXT SEARCH TEMPLATE <it> RENAME TO <one>", (Rename, "TEXT SEARCH TEMPLATE")),
    ("ALTER TEXT SEARCH DICTIONARY <it> OWNER TO <one>", (Give, "TEXT SEARCH DICTIONARY")),
    ("ALTER TEXT SEARCH DICTIONARY <it> RENAME TO <one>", (Rename, "TEXT SEARCH DICTIONARY")),
    ("ALTER TEXT SEARCH DICTIONARY <it> ( … )", (Change, "TEXT SEARCH DICTIONARY")),
    ("ALTER TEXT SEARCH CONFIGURATION <it> OWNER TO <one>", (Give, "TEXT SEARCH CONFIGURATION")),
    ("ALTER TEXT SEARCH CONFIGURATION <it> RENAME TO <one>", (Rename, "TEXT SEARCH CONFIGURATION")),
    (
        "ALTER TEXT SEARCH CONFIGURATION <it> ADD|ALTER|DROP MAPPING ***",
        (Change, "TEXT SEARCH CONFIGURATION"),
    ),
    ("ALTER FOREIGN DATA WRAPPER <it> OWNER TO <one>", (Give, "FOREIGN DATA WRAPPER")),
    ("ALTER FOREIGN DATA WRAPPER <it> ***", (Change, "FOREIGN DATA WRAPPER")),
    ("ALTER SERVER <it> OWNER TO <one>", (Give, "SERVER")),
    ("ALTER SERVER <it> ***", (Change, "SERVER")),
    ("ALTER SEQUENCE <it> OWNER TO <one>", (Give, "SEQUENCE")),
    ("ALTER SEQUENCE <it> RENAME TO <one>", (Rename, "SEQUENCE")),
    ("ALTER SEQUENCE <it> ***", (Change, "SEQUENCE")),
    ("ALTER VIEW <it> OWNER TO <one>", (Give, "VIEW")),
    ("ALTER VIEW <it> RENAME TO <one>", (Rename, "VIEW")),
    ("ALTER VIEW <it> ***", (Change, "VIEW")),
    ("ALTER MATERIALIZED VIEW <it> OWNER TO <one>", (Give, "MATERIALIZED VIEW")),
    ("ALTER MATERIALIZED VIEW <it> RENAME TO <one>", (Rename, "MATERIALIZED VIEW")),
    ("ALTER MATERIALIZED VIEW <it> ***", (Change, "MATERIALIZED VIEW")),
    ("ALTER INDEX <it> RENAME TO <one>", (Rename, "INDEX")),
    ("ALTER INDEX <it> ***", (Change, "INDEX")),
    ("ALTER STATISTICS <it> OWNER TO <one>", (Give, "STATISTICS")),
    ("ALTER STATISTICS <it> RENAME TO <one>", (Rename, "STATISTICS")),
    ("ALTER STATISTICS <it> SET STATISTICS ***", (Change, "STATISTICS")),
    ("ALTER POLICY <one> ON <it> RENAME TO <one>", (Rename, "POLICY")),
    ("ALTER POLICY <one> ON <it> ***", (Change, "POLICY")),
    ("ALTER TRIGGER <one> ON <it> RENAME TO <one>", (Rename, "TRIGGER")),
    ("ALTER RULE <one> ON <it> RENAME TO <one>", (Rename, "RULE")),
    ("ALTER PUBLICATION <it> OWNER TO <one>", (Give, "PUBLICATION")),
    ("ALTER PUBLICATION <it> RENAME TO <one>", (Rename, "PUBLICATION")),
    ("ALTER PUBLICATION <it> ***", (Change, "PUBLICATION")),
    ("ALTER EVENT TRIGGER <it> OWNER TO <one>", (Give, "EVENT TRIGGER")),
    ("ALTER EVENT TRIGGER <it> RENAME TO <one>", (Rename, "EVENT TRIGGER")),
    ("ALTER EVENT TRIGGER <it> DISABLE|ENABLE ***", (Change, "EVENT TRIGGER")),
    ("COMMENT ON COLUMN <it> IS ***", (Comment, "COLUMN")),
    ("COMMENT ON CONSTRAINT <one> ON DOMAIN <it> IS ***", (Comment, "DOMAIN CONSTRAINT")),
    ("COMMENT ON CONSTRAINT <one> ON <it> IS ***", (Comment, "CONSTRAINT")),
    ("COMMENT ON TRIGGER <one> ON <it> IS ***", (Comment, "TRIGGER")),
    ("COMMENT ON RULE <one> ON <it> IS ***", (Comment, "RULE")),
    ("COMMENT ON POLICY <one> ON <it> IS ***", (Comment, "POLICY")),
    ("COMMENT ON CAST ( … ) IS ***", (Comment, "CAST")),
    ("COMMENT ON OPERATOR FAMILY <it> USING <one> IS ***", (Comment, "OPERATOR FAMILY")),
    ("COMMENT ON OPERATOR CLASS <it> USING <one> IS ***", (Comment, "OPERATOR CLASS")),
    ("COMMENT ON OPERATOR … ( … ) IS ***", (Comment, "OPERATOR")),
    ("COMMENT ON ROUTINE|AGGREGATE <it> ( … ) IS ***", (Comment, "FUNCTION")),
    ("COMMENT ON TEXT SEARCH PARSER <it> IS ***", (Comment, "TEXT SEARCH PARSER")),
    ("COMMENT ON TEXT SEARCH TEMPLATE <it> IS ***", (Comment, "TEXT SEARCH TEMPLATE")),
    ("COMMENT ON TEXT SEARCH DICTIONARY <it> IS ***", (Comment, "TEXT SEARCH DICTIONARY")),
    ("COMMENT ON TEXT SEARCH CONFIGURATION <it> IS ***", (Comment, "TEXT SEARCH CONFIGURATION")),
    ("COMMENT ON FOREIGN DATA WRAPPER <it> IS ***", (Comment, "FOREIGN DATA WRAPPER")),
    ("COMMENT ON MATERIALIZED VIEW <it> IS ***", (Comment, "MATERIALIZED VIEW")),
    ("COMMENT ON EVENT TRIGGER <it> IS ***", (Comment, "EVENT TRIGGER")),
    ("COMMENT ON [ FOREIGN ] TABLE <it> IS ***", (Comment, "TABLE")),
    ("COMMENT ON SCHEMA <it> IS ***", (Comment, "SCHEMA")),
    ("COMMENT ON EXTENSION <it> IS ***", (Comment, "EXTENSION")),
    ("COMMENT ON COLLATION <it> IS ***", (Comment, "COLLATION")),
    ("COMMENT ON TYPE <it> IS ***", (Comment, "TYPE")),
    ("COMMENT ON DOMAIN <it> IS ***", (Comment, "DOMAIN")),
    ("COMMENT ON CONVERSION <it> IS ***", (Comment, "CONVERSION")),
    ("COMMENT ON SERVER <it> IS ***", (Comment, "SERVER")),
    ("COMMENT ON SEQUENCE <it> IS ***", (Comment, "SEQUENCE")),
    ("COMMENT ON VIEW <it> IS ***", (Comment, "VIEW")),
    ("COMMENT ON INDEX <it> IS ***", (Comment, "INDEX")),
    ("COMMENT ON STATISTICS <it> IS ***", (Comment, "STATISTICS")),
    ("COMMENT ON PUBLICATION <it> IS ***", (Comment, "PUBLICATION")),
    ("GRANT|REVOKE … ON ROUTINE <it> ( … ) TO|FROM ***", (Grant, "FUNCTION")),
    ("GRANT|REVOKE … ON FOREIGN DATA WRAPPER <it> TO|FROM ***", (Grant, "FOREIGN DATA WRAPPER")),
    ("GRANT|REVOKE … ON FOREIGN SERVER <it> TO|FROM ***", (Grant, "SERVER")),
    ("GRANT|REVOKE … ON SCHEMA <it> TO|FROM ***", (Grant, "SCHEMA")),
    ("GRANT|REVOKE … ON SEQUENCE <it> TO|FROM ***", (Grant, "SEQUENCE")),
    ("GRANT|REVOKE … ON TYPE <it> TO|FROM ***", (Grant, "TYPE")),
    ("GRANT|REVOKE … ON TABLE <it> TO|FROM ***", (Grant, "TABLE")),
];

/// What a clause of ALTER TABLE does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clause {
    AddColumn,
    DropColumn,
    AlterColumn,
    RenameColumn,
    AddConstraint,
    DropConstraint,
    /// VALIDATE, ALTER or RENAME CONSTRAINT.
    AlterConstraint,
    Fire,
    /// CLUSTER and REPLICA IDENTITY: the table's, said with an index.
    Marks,
    Attach,
    Detach,
    Rename,
    Give,
    /// What is only the table's.
    Own,
}

const CLAUSES: &[(&str, Clause)] = &[
    ("ADD COLUMN <one> ***", Clause::AddColumn),
    ("DROP COLUMN [ IF EXISTS ] <one>", Clause::DropColumn),
    ("ALTER COLUMN <one> ***", Clause::AlterColumn),
    ("RENAME COLUMN <one> TO <one>", Clause::RenameColumn),
    ("ADD CONSTRAINT <one> ***", Clause::AddConstraint),
    ("ADD NOT NULL <one> ***", Clause::AddConstraint),
    ("DROP CONSTRAINT [ IF EXISTS ] <one>", Clause::DropConstraint),
    ("VALIDATE CONSTRAINT <one>", Clause::AlterConstraint),
    ("ALTER CONSTRAINT <one> ***", Clause::AlterConstraint),
    ("RENAME CONSTRAINT <one> TO <one>", Clause::AlterConstraint),
    ("DISABLE|ENABLE [ ALWAYS ] [ REPLICA ] TRIGGER|RULE <one>", Clause::Fire),
    ("CLUSTER ON <one>", Clause::Marks),
    ("SET WITHOUT CLUSTER", Clause::Marks),
    ("REPLICA IDENTITY USING INDEX <one>", Clause::Marks),
    ("REPLICA IDENTITY DEFAULT|FULL|NOTHING", Clause::Marks),
    ("ATTACH PARTITION <it> ***", Clause::Attach),
    ("DETACH PARTITION <it> [ CONCURRENTLY ]", Clause::Detach),
    ("RENAME TO <one>", Clause::Rename),
    ("OWNER TO <one>", Clause::Give),
    ("DISABLE|ENABLE|FORCE ROW LEVEL SECURITY", Clause::Own),
    ("NO FORCE ROW LEVEL SECURITY", Clause::Own),
    ("SET|RESET ( … )", Clause::Own),
    ("SET LOGGED|UNLOGGED", Clause::Own),
    ("SET TABLESPACE <one>", Clause::Own),
    ("SET ACCESS METHOD <one>", Clause::Own),
    ("INHERIT <it>", Clause::Own),
    ("NO INHERIT <it>", Clause::Own),
    ("OF <it>", Clause::Own),
    ("NOT OF", Clause::Own),
    ("OPTIONS ( … )", Clause::Own),
];

/// What of a column is said by a step of a type: the column gets the type that takes the other one's place.
const RETYPED: &str =
    "ALTER COLUMN <one> TYPE … [ COLLATE <it> ] USING <one> [ :: text ] [ :: text \\[ \\] ] :: ***";
const DEFAULTS: &[&str] = &["ALTER COLUMN <one> DROP DEFAULT", "ALTER COLUMN <one> SET DEFAULT ***"];

/// A question to the data: how many rows there are of some kind, and one of them.
const QUESTION: &str = "SELECT count (*) , ( pg_catalog . array_agg ( example ) ) \\[ 1 \\] FROM ( SELECT … LIMIT <n> ) AS found ( example )";

/// The same before a rollback: how many rows lose something, and how many there are.
const COUNT: &str = "SELECT count (*) FILTER ( WHERE … ) , count (*) :: pg_catalog . text FROM ***";

/// The triggers of recipes, which call nothing but functions of trueup's own.
const TRIGGER: &str =
    "CREATE TRIGGER <one> BEFORE … ON <it> FOR EACH ROW [ WHEN ( … ) ] EXECUTE FUNCTION <it> ( )";

/// How a sequence goes on from where another one stands.
const TAKES_POSITION: &str = "SELECT pg_catalog . setval ( ' , last_value , is_called ) FROM <it>";

/// What recipes say beside DDL, and nobody else.
const HELPERS: &[&str] = &[
    "LOCK TABLE [ ONLY ] … IN SHARE|EXCLUSIVE MODE",
    "LOCK TABLE [ ONLY ] … IN ACCESS EXCLUSIVE MODE",
    TAKES_POSITION,
    "SELECT pg_catalog . setval ( ' , max|min ( <one> ) ) FROM <it> HAVING max|min ( <one> ) >= ( SELECT last_value FROM <it> )",
    "SELECT pg_catalog . setval ( ' , max|min ( <one> ) ) FROM <it> HAVING max|min ( <one> ) <= ( SELECT last_value FROM <it> )",
    "SELECT pg_catalog . setval ( ' , <n> , true|false ) FROM <it> WHERE last_value < <n>",
    "SELECT pg_catalog . setval ( ' , <n> , true|false ) FROM <it> WHERE last_value > <n>",
];

/// The blocks that recipes run on a table: no row is there, or none differs from what it becomes.
const NO_ROW: &str = "BEGIN IF EXISTS ( SELECT FROM <it> ) THEN RAISE EXCEPTION USING ERRCODE = ' , MESSAGE = ' ; END IF ; END";
const NO_OTHER_ROW: &str = "BEGIN IF EXISTS ( SELECT FROM <it> AS <one> WHERE pg_catalog . record_image_ne ( ROW ( … ) , ROW ( … ) ) ) \
     THEN RAISE EXCEPTION USING MESSAGE = ' ; END IF ; END";

/// The block that drops the check that DETACH PARTITION CONCURRENTLY leaves.
const SPARE: &str = "DECLARE spare pg_catalog . name ; BEGIN \
     FOR spare IN SELECT conname FROM pg_catalog . pg_constraint \
     WHERE conrelid OPERATOR ( pg_catalog . = ) ' :: pg_catalog . regclass AND contype OPERATOR ( pg_catalog . = ) ' \
     AND conislocal AND coninhcount OPERATOR ( pg_catalog . = ) <n> \
     AND conname OPERATOR ( pg_catalog . <> ) ALL ( ARRAY \\[ … \\] :: pg_catalog . name \\[ \\] ) \
     LOOP EXECUTE pg_catalog . format ( ' , ' , spare ) ; END LOOP ; END";

/// The functions in trueup's schema: how they are created, and what they do.
const FUNCTION: &str = "CREATE FUNCTION <it> ( ) RETURNS pg_catalog . trigger LANGUAGE plpgsql [ SECURITY DEFINER SET search_path = ' ] \
     [ SET <one> TO ' ] [ SET <one> TO ' ] [ SET <one> TO ' ] [ SET <one> TO ' ] AS ***";
const BODIES: &[&str] = &[
    "BEGIN <it> := <it> ; RETURN NEW ; END",
    "BEGIN IF … THEN RETURN NEW ; END IF ; IF TG_OP OPERATOR ( pg_catalog . = ) ' THEN \
     IF … THEN <it> := <it> ; [ ELSIF … THEN <it> := <it> ; ELSE RAISE EXCEPTION USING ERRCODE = ' , MESSAGE = ' ; ] \
     [ ELSE <it> := <it> ; ] END IF ; \
     ELSIF … THEN <it> := <it> ; ELSIF … THEN <it> := <it> ; \
     ELSE RAISE EXCEPTION USING ERRCODE = ' , MESSAGE = ' ; END IF ; RETURN NEW ; END",
    "BEGIN PERFORM pg_catalog . nextval ( ' ) , pg_catalog . setval ( ' , pg_catalog . date_part ( ' , \
     pg_catalog . clock_timestamp ( ) ) :: pg_catalog . int8 ) ; RETURN NEW ; END",
    "# variable_conflict use_column BEGIN SELECT … INTO <it> FROM ( SELECT NEW .* ) AS <one> ; RETURN NEW ; END",
    "# variable_conflict use_column DECLARE trueup_was … ; trueup_is … ; BEGIN \
     SELECT … INTO trueup_is FROM ( SELECT NEW .* ) AS <one> ; \
     IF TG_OP OPERATOR ( pg_catalog . = ) ' THEN <it> := COALESCE ( <it> , trueup_is ) ; \
     ELSIF <it> IS NULL THEN <it> := trueup_is ; \
     [ ELSIF pg_catalog . record_image_eq ( … ) THEN SELECT … INTO trueup_was FROM ( SELECT OLD .* ) AS <one> ; \
     IF pg_catalog . record_image_ne ( … ) THEN <it> := trueup_is ; END IF ; ] \
     END IF ; RETURN NEW ; END",
];

/// What counts the writes by an old name: nothing of it is of the database.
const COUNTS: &str = BODIES[2];

/// Whether a function of a recipe has its owner's rights, and in its body what others can change.
fn has_own_rights(sql: &Sql) -> bool {
    let words = Words::of(sql.as_str());
    let Some(found) = words.find(FUNCTION).filter(|_| words.has_outside("definer")) else { return false };
    let body = found.rest.last().and_then(|body| words.part(body).quoted()).map(Words::of);
    !body.is_some_and(|body| body.are_certain() && body.find(COUNTS).is_some())
}

/// A backfill, by a key and by blocks.
const BACKFILLS: &[&str] = &[
    "WITH visited ( … ) AS MATERIALIZED ( SELECT … FROM ONLY <it> WHERE … ORDER BY … LIMIT $3 :: pg_catalog . int8 ) , \
     changed AS ( UPDATE ONLY <it> AS <one> SET … WHERE … RETURNING 1 ) \
     SELECT ( SELECT count (*) FROM visited ) , ( SELECT count (*) FROM changed ) , \
     ( SELECT ARRAY \\[ … \\] FROM visited ORDER BY … LIMIT 1 )",
    "WITH changed AS ( UPDATE ONLY <it> AS <one> SET … WHERE … RETURNING 1 ) \
     SELECT … , ( SELECT count (*) FROM changed ) , CASE WHEN … THEN ARRAY \\[ … \\] END",
];

/// What is wrong with a plan's statements: at which step, and what, as words that follow its number.
pub(super) fn flaw(steps: &[PlannedStep]) -> Option<(usize, String)> {
    // the parser recurses
    with_large_stack(|| find(steps))
        .unwrap_or_else(|error| Some((0, format!("no thread to read it on: {error}"))))
}

fn find(steps: &[PlannedStep]) -> Option<(usize, String)> {
    (0..steps.len()).find_map(|at| {
        let step = &steps[at];
        let objects = objects(steps, at);
        let (earlier, later) = (&steps[..at], &steps[at + 1..]);
        let side = |undo| Side { step, objects: &objects, undo, earlier, later };
        let there = side(false).flaw(&step.operation, &step.sql);
        let back = || {
            let problem = side(true).flaw(&step.undo.operation, &step.undo.sql)?;
            Some(format!("on the way back {problem}"))
        };
        Some((at, there.or_else(back)?))
    })
}

/// What a step is about: its object, and those of the steps that are done by its statements.
fn objects(steps: &[PlannedStep], at: usize) -> Vec<ObjectId> {
    let part = |step: &&PlannedStep| {
        let idle = step.operation == Operation::Nothing && step.undo.operation == Operation::Nothing;
        idle && step.with == Some(With::Previous)
    };
    let parts = steps[at + 1..].iter().take_while(part);
    std::iter::once(&steps[at]).chain(parts).map(|step| step.object.clone()).collect()
}

/// One direction of a step.
struct Side<'a> {
    step: &'a PlannedStep,
    objects: &'a [ObjectId],
    undo: bool,
    earlier: &'a [PlannedStep],
    later: &'a [PlannedStep],
}

/// A statement, by what it does to what.
struct Said<'a> {
    what: What<'a>,
    sql: &'a Sql,
}

enum What<'a> {
    Object {
        does: Does,
        noun: &'static str,
        name: Name,
        found: Found,
        words: Words<'a>,
    },
    Table {
        name: Name,
        clauses: Vec<(Clause, Found, Words<'a>)>,
    },
    /// It says nothing about an object.
    Other,
}

/// A name, from the schema down.
type Name = Vec<String>;

impl<'a> Said<'a> {
    /// None for what is in no table.
    fn read(sql: &'a Sql) -> Option<Self> {
        let words = Words::of(sql.as_str());
        if let Some(found) = words.find("ALTER [ FOREIGN ] TABLE [ ONLY ] <it> ***") {
            let clauses = words.part(found.rest.first()?).listed().into_iter().map(|clause| {
                let (kind, found) = clause.first(CLAUSES)?;
                Some((*kind, found, clause))
            });
            let name = found.names.into_iter().next()?;
            return Some(Self { what: What::Table { name, clauses: clauses.collect::<Option<_>>()? }, sql });
        }
        let ((does, noun), found) = words.first(FORMS)?;
        // CREATE TABLE … AS, and what takes along whatever there is
        let taken = if *does == Make {
            *noun == "TABLE" && words.has_outside("as")
        } else {
            words.has_outside("cascade")
        };
        if taken {
            return None;
        }
        let name = match (*noun, found.names.as_slice()) {
            ("RULE" | "TRIGGER" | "POLICY" | "CONSTRAINT" | "DOMAIN CONSTRAINT", [own, of, ..]) => {
                [of.clone(), own.clone()].concat()
            }
            ("INDEX", [own, of, ..]) if *does == Make => [&of[..of.len() - 1], own].concat(),
            ("OPERATOR" | "CAST", _) => vec![words.part(found.rest.first()?).normal()],
            (_, [name, ..]) => name.clone(),
            (_, []) => return None,
        };
        Some(Self { what: What::Object { does: *does, noun, name, found, words }, sql })
    }
}

impl Side<'_> {
    /// What is wrong with the statements of this direction.
    fn flaw(&self, operation: &Operation, sql: &[Sql]) -> Option<String> {
        if let Operation::Backfill(backfill) = operation {
            return self.backfill(backfill, sql);
        }
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(sql_at) = sql.get(at) {
            if let Some(why) = not_one(sql_at) {
                return Some(says(sql_at, why));
            }
            if has_own_rights(sql_at)
                && sql.get(at + 1).is_none_or(|next| *next != gives_its_trigger(&self.step.object))
            {
                return Some(says(sql_at, "has the rights of its owner, and is not given to the table's"));
            }
            if self.is_helper(sql_at) {
                all.push(Said { what: What::Other, sql: sql_at });
            } else if Words::of(sql_at.as_str()).find("SET ROLE <one>").is_some() {
                // what a role granted, in its name: one statement, and then it is left again
                let granted = sql.get(at + 1).and_then(Said::read);
                let reset = sql.get(at + 2).is_some_and(|sql| sql.as_str() == "RESET ROLE");
                let grants = |said: &Said<'_>| matches!(said.what, What::Object { does: Grant, .. });
                match granted.filter(|said| reset && grants(said)) {
                    Some(said) => all.push(said),
                    None => return Some(says(sql_at, "is for one GRANT or REVOKE")),
                }
                at += 2;
            } else {
                match Said::read(sql_at) {
                    Some(said) => all.push(said),
                    None => return Some(says(sql_at, "is nothing that trueup writes")),
                }
            }
            at += 1;
        }
        if let Some(said) = self.unnamed_parent(operation, &all) {
            return Some(says(said.sql, "is about partitions of a table that the operation does not name"));
        }
        all.iter().find_map(|said| Some(says(said.sql, &self.wrong(said, &all)?)))
    }

    /// A statement of a recipe that changes no object, as it is written for this step.
    fn is_helper(&self, sql: &Sql) -> bool {
        let words = Words::of(sql.as_str());
        if self.step.object.kind == Kind::DefaultPrivileges {
            return self.default_privileges(&words);
        }
        if let Some(found) = words.find("DO ***") {
            if self.step.object.kind == Kind::Column && *sql == gives_its_trigger(&self.step.object) {
                return true;
            }
            let body = found.rest.first().and_then(|body| words.part(body).quoted());
            return body.is_some_and(|body| self.is_block(body));
        }
        if let Some(found) = words.find(FUNCTION)
            && self.step.object.kind == Kind::Column
            && found.names.first().is_some_and(|name| is_ours(name))
        {
            let body = found.rest.first().and_then(|body| words.part(body).quoted());
            return body.is_some_and(|body| {
                let words = Words::of(body);
                words.are_certain() && BODIES.iter().any(|body| words.find(body).is_some())
            });
        }
        if let Some(found) = words.find("REFRESH MATERIALIZED VIEW <it>") {
            return found.names.first().is_some_and(|name| *name == self.step.object.path.parts());
        }
        HELPERS.iter().any(|helper| words.find(helper).is_some())
    }

    /// A block that a recipe runs on the step's table. What compares rows computes them: [`code_of`].
    fn is_block(&self, body: &str) -> bool {
        let words = Words::of(body);
        if !words.are_certain() {
            return false;
        }
        if let Some(found) = words.find(NO_ROW).or_else(|| words.find(NO_OTHER_ROW)) {
            return found.names.first().is_some_and(|table| self.is_relation(table));
        }
        words.find(SPARE).is_some()
            && self.objects.iter().any(|id| {
                let path = id.path.parts();
                let table = sql::literal(&sql::qualified(path.get(..2).unwrap_or(path)));
                [
                    format!("conrelid OPERATOR(pg_catalog.=) {table}::pg_catalog.regclass"),
                    format!("EXECUTE pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', {table}, spare)"),
                ]
                .iter()
                .all(|part| body.contains(part))
            })
    }

    /// Whether it is the relation that one of the step's objects is, or is part of.
    fn is_relation(&self, name: &Name) -> bool {
        self.objects.iter().any(|id| id.path.parts().get(..2).is_some_and(|path| path == name.as_slice()))
    }

    /// ALTER DEFAULT PRIVILEGES of the role, schema and kind of objects that the step names.
    fn default_privileges(&self, words: &Words<'_>) -> bool {
        let path = &self.step.object.path;
        let objects = path.part(2);
        let everywhere =
            format!("ALTER DEFAULT PRIVILEGES FOR ROLE <one> GRANT|REVOKE … ON {objects} TO|FROM ***");
        let within = everywhere.replace("<one>", "<one> IN SCHEMA <one>");
        let (pattern, names) = match path.part(0) {
            "" => (everywhere, vec![path.part(1)]),
            schema => (within, vec![path.part(1), schema]),
        };
        words.find(&pattern).is_some_and(|found| found.names.concat() == names)
    }

    /// One statement over the table that it names and the columns that it fills.
    fn backfill(&self, backfill: &Backfill, sql: &[Sql]) -> Option<String> {
        let [sql] = sql else { return Some("a backfill is one statement".to_owned()) };
        if let Some(why) = not_one(sql) {
            return Some(says(sql, why));
        }
        let words = Words::of(sql.as_str());
        let table: Vec<String> = self.step.object.path.parts().iter().take(2).cloned().collect();
        let found = BACKFILLS.iter().find_map(|pattern| words.find(pattern));
        let fits = found.is_some_and(|found| {
            let tables = found.names.iter().filter(|name| name.len() > 1);
            let own = tables.into_iter().all(|name| *name == table);
            let filled = found.rest.iter().map(|part| words.part(part).listed());
            let filled = filled.map(|list| list.iter().map(assigned).collect::<Option<Vec<_>>>());
            own && backfill.key.iter().all(|column| Words::of(column).find("<one>").is_some())
                && backfill.table == self.step.object.relation_sql()
                && filled.flatten().any(|columns| columns == backfill.columns)
                && backfill.columns.contains(&self.step.object.path.last().to_owned())
        });
        (!fits).then(|| says(sql, "is not the backfill of the table and the columns that it names"))
    }
}

/// The column of `column = value`.
fn assigned(words: &Words<'_>) -> Option<String> {
    words.find("<one> = ***")?.names.concat().into_iter().next()
}

/// Why it is not one statement, as PostgreSQL's grammar has it. A statement that the grammar does not know, as of a server
/// newer than it, or that is too long for it, has no semicolon. Where strings end says PostgreSQL's scanner.
fn not_one(sql: &Sql) -> Option<&'static str> {
    const MOST_TOKENS: usize = 20_000;
    let words = Words::of(sql.as_str());
    if words.is_open() {
        return Some("does not end");
    }
    if !words.are_certain() {
        return Some("is not cut into words as PostgreSQL cuts it");
    }
    let parsed =
        (words.len() <= MOST_TOKENS).then(|| pg_query::split_with_parser(sql.as_str()).ok()).flatten();
    let is_one = parsed.map_or(!words.has_semicolon(), |statements| statements.len() == 1);
    (!is_one).then_some("is not one statement")
}

/// The beginning of a statement, and what is wrong with it.
fn says(sql: &Sql, why: &str) -> String {
    const SHOWN: usize = 60;
    let text = sql.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
    let dots = if text.chars().count() > SHOWN { "…" } else { "" };
    format!("`{}{dots}` {why}", text.chars().take(SHOWN).collect::<String>())
}

impl Side<'_> {
    /// What a statement does that does not belong into this step, as words that follow the statement.
    fn wrong(&self, said: &Said<'_>, all: &[Said<'_>]) -> Option<String> {
        match &said.what {
            What::Other => None,
            // privileges of a column that gets a type, which it has again afterwards
            What::Object { does: Grant, .. }
                if self.undo && RETYPES.contains(&self.step.object.kind) && is_granted_again(said, all) =>
            {
                None
            }
            What::Object { does, noun, name, found, words } => {
                self.wrong_object(*does, noun, name, &Names { found, words }, all)
            }
            What::Table { name, clauses } => clauses.iter().find_map(|(clause, found, words)| {
                self.wrong_clause(*clause, name, &Names { found, words }, all)
            }),
        }
    }

    fn wrong_object(
        &self,
        does: Does,
        noun: &'static str,
        name: &Name,
        names: &Names<'_>,
        all: &[Said<'_>],
    ) -> Option<String> {
        let kind = self.step.object.kind;
        let what = || {
            format!(
                "is about {} {}, and the step about {}",
                noun.to_lowercase(),
                name.join("."),
                self.step.object
            )
        };
        let ours = |name: &Name| is_ours(name) && self.may_have(noun, names);
        let renamed = (does == Rename).then(|| renamed(name, names)).flatten();
        // one thing becomes another where the step says so, or where trueup has built it
        let becomes = self.step.action == Verb::Rename || is_ours(name);
        let own =
            self.is_own(noun, name) || becomes && renamed.as_ref().is_some_and(|it| self.is_own(noun, it));
        // what is said about an object is not the object
        let about = self.step.object.target().is_some();
        let itself = own && !about && !SAID_OF_OTHERS.contains(&kind);
        let ours = ours(name) || renamed.as_ref().is_some_and(ours);
        let (made, taken) = (is_made(all, noun, name), is_taken(all, noun, name));
        let counts = noun == "SEQUENCE" && COUNTED.contains(&kind);
        let of_constraint = kind != Kind::DomainConstraint
            || names.found.names.len() < 2
            || names
                .found
                .names
                .iter()
                .skip(1)
                .any(|it| it.last().map(String::as_str) == Some(self.step.object.path.last()));
        if does != Make && noun == "FUNCTION" && own && self.is_overload(does, names) {
            return Some(what());
        }
        // a table that is renamed while both names are used has a view under the other one
        let shadows = kind == Kind::Table
            && noun == "VIEW"
            && self.step.action == Verb::Rename
            && self.is_own("TABLE", name);
        // those of the table's children and partitions, which fire by both names of a column
        let fires = noun == "TRIGGER" && kind == Kind::Column && self.fires_by_column(names, all);
        let fits = match does {
            Make => {
                shadows
                    || fires
                    || itself && (!self.takes() || taken)
                    || ours
                    || taken && (self.undo || RETYPES.contains(&kind))
                    || counts
                    || self.is_part(noun, name, names)
                    || whole_of(noun, name, names).is_some_and(|of| is_made(all, "TABLE", &of))
                    || noun == "INDEX" && self.undo && PARTITIONED.contains(&kind)
            }
            Take => {
                // what a materialized view holds is computed
                let again = made
                    && (noun == "MATERIALIZED VIEW" || !HOLDS_DATA.contains(&noun))
                    && (self.undo || RETYPES.contains(&kind) || itself);
                // a table with rows is not replaced
                let table = noun == "TABLE" && names.words.find("DROP FOREIGN TABLE <it>").is_none();
                let may_take = if table { self.takes() } else { self.may_take() };
                let counted = counts && takes_position(all, name);
                let aside = is_aside(all, noun, name)
                    && (!HOLDS_DATA.contains(&noun)
                        || noun == "MATERIALIZED VIEW" && kind == Kind::MaterializedView);
                itself && may_take || ours || again || counted || aside || shadows
            }
            Give => made || kind == Kind::Owner && own,
            Grant => made || ours || self.is_granted(noun, name, names) || shadows || counts && self.undo,
            // what is said of other things that the statements exchange; a rehearsal finds whatever else is said
            Comment => own || kind != Kind::Comment,
            Change | Rename => {
                let attaches =
                    noun == "INDEX" && names.words.find("ALTER INDEX <it> ATTACH PARTITION <it>").is_some();
                let waits = noun == "DOMAIN" && RETYPES.contains(&kind) && is_default_away(all, name);
                let owned = counts
                    && (does == Rename || names.words.find("ALTER SEQUENCE <it> OWNED BY ***").is_some());
                own && !about && of_constraint
                    || ours
                    || made
                    || owned
                    || waits
                    || attaches && PARTITIONED.contains(&kind)
                    || self.is_published(name, names)
                    || does == Rename
                        && kind == Kind::Range
                        && self.step.action == Verb::Rename
                        && matches!(noun, "TYPE" | "FUNCTION")
            }
        };
        if !fits && own && matches!(does, Make | Take) {
            return Some(format!("is not what it is to {} {}", self.step.action.label(), self.step.object));
        }
        (!fits).then(what)
    }

    fn wrong_clause(
        &self,
        clause: Clause,
        table: &Name,
        names: &Names<'_>,
        all: &[Said<'_>],
    ) -> Option<String> {
        let kind = self.step.object.kind;
        let own_table = self.is_table(table);
        let made = is_made(all, "TABLE", table);
        let part = |at: usize| {
            names.found.names.get(at).map(|own| [table.clone(), own.clone()].concat()).unwrap_or_default()
        };
        let is = |noun: &str, at: usize| self.is_own(noun, &part(at)) || is_ours(&part(at));
        let own_column = || is("COLUMN", 0) || names.found.names.len() > 1 && is("COLUMN", 1);
        let about = self.step.object.target().is_some();
        let fits = match clause {
            _ if about && clause != Clause::Give => made,
            // what is computed of a column goes and comes back with a type of that
            Clause::AddColumn | Clause::DropColumn
                if self.undo && RETYPES.contains(&kind) && is_computed_again(all, table, &part(0)) =>
            {
                true
            }
            Clause::AddColumn => own_table && (own_column() || kind == Kind::Column),
            Clause::DropColumn => {
                let added = self.is_added_before(table, &part(0));
                let again = is_given_again(all, table, &part(0), self.undo || added);
                is_ours(&part(0)) || kind == Kind::Column && own_column() && (self.may_take() || again)
            }
            Clause::AlterColumn => {
                let retyped = RETYPES.contains(&kind) && self.is_retyped(table, names, all);
                let is_type = names.words.find("ALTER COLUMN <one> TYPE ***").is_some();
                let own =
                    own_table && (own_column() && kind != Kind::Default || !is_type && kind == Kind::Table);
                let default =
                    own_table && own_column() && DEFAULTS.iter().any(|it| names.words.find(it).is_some());
                // what is said of a partition's or a child table's column of the same name
                let below =
                    || kind == Kind::Column && !is_type && (self.is_called(&part(0)) || is_ours(&part(0)));
                own || made || default || retyped || below()
            }
            Clause::RenameColumn => kind == Kind::Column && own_table && own_column(),
            Clause::AddConstraint => {
                own_table || made || is_dropped(all, table, &part(0)) || kind == Kind::Constraint
            }
            Clause::DropConstraint => {
                let alters = self.undo && self.step.action == Verb::Alter;
                let own = is("CONSTRAINT", 0) && (self.may_take() || alters);
                own || is_ours(&part(0)) || is_added(all, table, &part(0))
            }
            Clause::AlterConstraint => own_table || is_ours(&part(0)),
            Clause::Fire => {
                own_table && kind == Kind::Attachment
                    || is("TRIGGER", 0)
                    || is("RULE", 0)
                    || is_made(all, "TRIGGER", &part(0))
                    || is_made(all, "RULE", &part(0))
            }
            Clause::Marks => own_table || made || kind == Kind::Index,
            Clause::Attach => {
                self.is_own("TABLE", &part_name(names)) || self.is_own("PARTITION", &part_name(names))
            }
            Clause::Detach => {
                (self.is_own("TABLE", &part_name(names)) || self.is_own("PARTITION", &part_name(names)))
                    && self.may_take()
            }
            Clause::Rename => {
                let to = renamed(table, names).unwrap_or_default();
                let becomes = self.step.action == Verb::Rename || is_ours(table);
                self.is_own("TABLE", table)
                    || becomes && self.is_own("TABLE", &to)
                    || is_made(all, "TABLE", table)
            }
            Clause::Give => made || kind == Kind::Owner && own_table,
            Clause::Own => own_table && WHOLE.contains(&kind) || made,
        };
        (!fits).then(|| {
            format!(
                "is about `{}` of {}, and the step about {}",
                names.words.shown(),
                table.join("."),
                self.step.object
            )
        })
    }

    /// Whether a trigger is made anew that fires when the step's column is written, or the one that the list renames to it.
    fn fires_by_column(&self, names: &Names<'_>, all: &[Said<'_>]) -> bool {
        let found = names.words.find("CREATE OR REPLACE TRIGGER <one> … UPDATE OF … ON <it> ***");
        let columns = found.and_then(|found| Some(names.words.part(found.rest.get(1)?).listed()));
        let renamed = |column: &Name| {
            any_clause(all, |_, clause, found, _| {
                clause == Clause::RenameColumn && found.names.first() == Some(column)
            })
        };
        columns.into_iter().flatten().any(|column| {
            let name = column.find("<one>").map(|found| found.names.concat());
            name.is_some_and(|name| self.is_called(&name) || renamed(&name))
        })
    }

    /// Whether a column, of any table, gets the type that the step is about, with the values that it has; or its default goes
    /// and comes back meanwhile.
    fn is_retyped(&self, table: &Name, names: &Names<'_>, all: &[Said<'_>]) -> bool {
        let column = names.found.names.first();
        if let Some(found) = names.words.find(RETYPED) {
            let [data_type, cast] = [0, 1]
                .map(|at| found.rest.get(at).map(|it| names.words.part(it).normal()).unwrap_or_default());
            // while the type is exchanged, its values wait as text
            let waits = cast == "text" || cast == "text [ ]";
            let same = found.names.last() == column && (data_type == cast || waits);
            return same && (waits || self.is_about_type(table, column, names, &cast, all));
        }
        let says = |pattern: &str| {
            has_clause(all, table, |_, _, words| {
                words.find(pattern).is_some_and(|found| found.names.first() == column)
            })
        };
        let own = || {
            self.step.object.kind == Kind::Column
                && (self.is_table(table) || column.is_some_and(|column| self.is_called(column)))
        };
        DEFAULTS.iter().any(|it| names.words.find(it).is_some())
            && (own() || says("ALTER COLUMN <one> TYPE ***") || DEFAULTS.iter().all(|it| says(it)))
    }

    /// Whether a column's new type is of the step.
    fn is_about_type(
        &self,
        table: &Name,
        column: Option<&Name>,
        names: &Names<'_>,
        data_type: &str,
        all: &[Said<'_>],
    ) -> bool {
        let kind = self.step.object.kind;
        // one over it, which the same statements exchange
        let named =
            Words::of(data_type.trim_end_matches(" [ ]")).find("<it>").map(|found| found.names.concat());
        let comes = |name: &Name| {
            ["TYPE", "DOMAIN"].iter().any(|noun| is_made(all, noun, name)) || is_multirange_of_made(all, name)
        };
        if named.as_ref().is_some_and(comes) {
            return true;
        }
        if matches!(kind, Kind::Column | Kind::Function) {
            return column.is_some_and(|column| self.is_called(column)) || self.is_table(table);
        }
        let path = self.step.object.path.parts().get(..2).unwrap_or_default();
        let of_path = Words::of(&sql::qualified(path)).normal();
        names.words.normal().contains(&of_path) || data_type.contains("trueup_")
    }

    /// Whether this direction only takes away.
    fn takes(&self) -> bool {
        self.step.action == if self.undo { Verb::Create } else { Verb::Drop }
    }

    /// Whether this direction may take the object away.
    fn may_take(&self) -> bool {
        self.takes() || self.step.action == Verb::Replace
    }

    /// Whether an earlier step of the plan has added the column.
    fn is_added_before(&self, table: &Name, column: &Name) -> bool {
        self.earlier.iter().any(|step| {
            let adds = |sql: &Sql| {
                let said = Said::read(sql);
                said.is_some_and(|said| is_given_again(std::slice::from_ref(&said), table, column, true))
            };
            step.action == Verb::Create && step.object == self.step.object && step.sql.iter().any(adds)
        })
    }

    /// Whether a step like this has things of trueup's own of this kind.
    fn may_have(&self, noun: &str, names: &Names<'_>) -> bool {
        let of_column = self.step.object.kind == Kind::Column;
        match noun {
            // they are created as [`FUNCTION`] and [`BODIES`] say
            "FUNCTION" => of_column && names.words.find("DROP ***").is_some(),
            "TRIGGER" if names.words.find("DROP TRIGGER ***").is_none() => {
                let called = names.words.find(TRIGGER);
                of_column && called.and_then(|it| it.names.into_iter().nth(2)).is_some_and(|it| is_ours(&it))
            }
            "SEQUENCE" | "TRIGGER" => of_column,
            "INDEX" => true,
            "MATERIALIZED VIEW" => self.step.object.kind == Kind::MaterializedView,
            _ => false,
        }
    }

    /// Whether it is another function than the step's, of the same name.
    fn is_overload(&self, does: Does, names: &Names<'_>) -> bool {
        let target = self.step.object.target();
        let about = target.as_ref().unwrap_or(&self.step.object);
        let given = names.found.rest.get(usize::from(does == Grant));
        let given = given.map(|arguments| names.words.part(arguments).normal());
        let own = Words::of(about.path.part(2)).normal();
        about.kind == Kind::Function && does != Rename && given.is_some_and(|given| given != own)
    }

    /// Whether it is one of the step's objects, or what its comment, privileges or owner are about.
    fn is_own(&self, noun: &str, name: &Name) -> bool {
        self.objects.iter().any(|id| {
            let target = id.target();
            let id = target.as_ref().unwrap_or(id);
            called(id).iter().any(|(called, own)| *called == noun && own == name)
        })
    }

    /// Whether one of the step's objects has the same last name.
    fn is_called(&self, name: &Name) -> bool {
        self.objects.iter().any(|id| name.last().is_some_and(|last| last == id.path.last()))
    }

    /// Whether it is the table that the step's object is, or is part of.
    fn is_table(&self, table: &Name) -> bool {
        self.objects.iter().any(|id| {
            let target = id.target();
            let id = target.as_ref().unwrap_or(id);
            OF_TABLES.contains(&id.kind)
                && id.path.parts().get(..2).is_some_and(|path| path == table.as_slice())
        })
    }

    /// Whether it is part of the step's table.
    fn is_part(&self, noun: &str, name: &Name, names: &Names<'_>) -> bool {
        whole_of(noun, name, names).is_some_and(|table| self.is_table(&table))
    }

    /// Whether these are the privileges that the step is about, or those of its own columns.
    fn is_granted(&self, noun: &str, name: &Name, names: &Names<'_>) -> bool {
        let object = &self.step.object;
        let target = object.target();
        let about = target.as_ref().unwrap_or(object);
        if about.kind != Kind::Column {
            let comes_back =
                self.undo && self.step.action != Verb::Create && about.kind == Kind::MaterializedView;
            return (object.kind == Kind::Privileges || comes_back) && self.is_own(noun, name);
        }
        let columns =
            names.found.rest.first().map(|list| names.words.part(list).listed()).unwrap_or_default();
        // a partition's column of the same name, on the way back
        let below = self.undo && object.kind == Kind::Column;
        let own = |column: &Words<'_>| {
            let column = column.find("… ( <one> )").map(|found| found.names.concat());
            column.is_some_and(|column| {
                let column = [name.clone(), column].concat();
                self.is_own("COLUMN", &column) || is_ours(&column) || below && self.is_called(&column)
            })
        };
        noun == "TABLE" && (self.is_table(name) || below) && columns.iter().all(own)
    }

    /// Whether it says of a publication that the step's table or schema is in it.
    fn is_published(&self, publication: &Name, names: &Names<'_>) -> bool {
        let of_table = names.words.find("ALTER PUBLICATION <it> ADD|DROP TABLE [ ONLY ] <it> ***");
        let of_schema = names.words.find("ALTER PUBLICATION <it> ADD|DROP TABLES IN SCHEMA <one>");
        self.objects.iter().any(|id| {
            let path = id.path.parts();
            let is = |found: &Option<Found>, of: &[String]| {
                found.as_ref().and_then(|it| it.names.get(1)).is_some_and(|it| it == of)
            };
            match id.kind {
                Kind::Table => is(&of_table, path),
                Kind::PublishedTable => {
                    publication.last() == path.last() && is(&of_table, &path[..path.len() - 1])
                }
                Kind::PublishedSchema => {
                    publication.last() == path.last() && is(&of_schema, &path[..path.len() - 1])
                }
                _ => false,
            }
        })
    }
}

/// Kinds that are something said of another object, which a step of theirs neither makes nor takes away.
const SAID_OF_OTHERS: &[Kind] = &[
    Kind::DomainConstraint,
    Kind::DomainDefault,
    Kind::Default,
    Kind::ToastOptions,
    Kind::SequenceOwner,
    Kind::IdentitySequence,
    Kind::IndexAttachment,
    Kind::PartitionTrigger,
];

/// Kinds whose steps say what is the whole table's.
const WHOLE: &[Kind] = &[Kind::Table, Kind::ToastOptions];

/// Kinds whose steps bring sequences along.
const COUNTED: &[Kind] = &[Kind::Table, Kind::Column, Kind::Default];

/// What has rows, or a position, or all of them.
const HOLDS_DATA: &[&str] = &["SCHEMA", "TABLE", "MATERIALIZED VIEW", "SEQUENCE"];

/// Kinds whose steps give columns elsewhere another type: the one that takes the other one's place.
const RETYPES: &[Kind] = &[
    Kind::Collation,
    Kind::Enum,
    Kind::Domain,
    Kind::DomainConstraint,
    Kind::Composite,
    Kind::Range,
    Kind::Function,
    Kind::Column,
];

/// Kinds whose steps attach indexes of partitions.
const PARTITIONED: &[Kind] =
    &[Kind::Index, Kind::IndexAttachment, Kind::Attachment, Kind::Constraint, Kind::Table];

/// Kinds that are a table, or part of one.
const OF_TABLES: &[Kind] = &[
    Kind::Table,
    Kind::Column,
    Kind::Default,
    Kind::ToastOptions,
    Kind::View,
    Kind::MaterializedView,
    Kind::Constraint,
    Kind::Attachment,
    Kind::Rule,
    Kind::Trigger,
    Kind::PartitionTrigger,
    Kind::Policy,
];

/// What a pattern found, and in what.
struct Names<'a> {
    found: &'a Found,
    words: &'a Words<'a>,
}

/// The words for what an object is, with its name.
fn called(id: &ObjectId) -> Vec<(&'static str, Name)> {
    let path = id.path.parts();
    let all = || path.to_vec();
    let two = || path.iter().take(2).cloned().collect::<Vec<_>>();
    match id.kind {
        Kind::Schema => vec![("SCHEMA", all())],
        Kind::Extension => vec![("EXTENSION", all())],
        Kind::Collation => vec![("COLLATION", all())],
        Kind::Enum | Kind::Composite | Kind::Range => vec![("TYPE", all())],
        Kind::Domain => vec![("DOMAIN", all()), ("TYPE", all())],
        Kind::DomainConstraint => vec![("DOMAIN", two()), ("DOMAIN CONSTRAINT", all())],
        Kind::DomainDefault => vec![("DOMAIN", all())],
        Kind::Function | Kind::Aggregate => vec![("FUNCTION", two())],
        Kind::Operator => vec![("OPERATOR", vec![Words::of(&id.operator_name()).normal()])],
        Kind::OperatorFamily => vec![("OPERATOR FAMILY", two())],
        Kind::OperatorClass => vec![("OPERATOR CLASS", two())],
        Kind::Cast => {
            let types = format!("{} AS {}", id.path.part(0), id.path.part(1));
            vec![("CAST", vec![Words::of(&types).normal()])]
        }
        Kind::Conversion => vec![("CONVERSION", all())],
        Kind::TextSearchParser => vec![("TEXT SEARCH PARSER", all())],
        Kind::TextSearchTemplate => vec![("TEXT SEARCH TEMPLATE", all())],
        Kind::TextSearchDictionary => vec![("TEXT SEARCH DICTIONARY", all())],
        Kind::TextSearchConfiguration => vec![("TEXT SEARCH CONFIGURATION", all())],
        Kind::ForeignDataWrapper => vec![("FOREIGN DATA WRAPPER", all())],
        Kind::ForeignServer => vec![("SERVER", all())],
        Kind::Sequence | Kind::IdentitySequence | Kind::SequenceOwner => vec![("SEQUENCE", all())],
        Kind::Table => vec![("TABLE", all())],
        Kind::ToastOptions => vec![("TABLE", all()), ("MATERIALIZED VIEW", all())],
        Kind::Column | Kind::Default => vec![("COLUMN", all())],
        // GRANT says TABLE of all
        Kind::View => vec![("VIEW", all()), ("TABLE", all())],
        Kind::MaterializedView => vec![("MATERIALIZED VIEW", all()), ("TABLE", all())],
        Kind::Constraint => vec![("CONSTRAINT", all()), ("INDEX", vec![path_at(path, 0), path_at(path, 2)])],
        Kind::Index | Kind::IndexAttachment => vec![("INDEX", all())],
        Kind::Attachment => vec![("PARTITION", all())],
        Kind::Statistics => vec![("STATISTICS", all())],
        Kind::Rule => vec![("RULE", all())],
        Kind::Trigger | Kind::PartitionTrigger => vec![("TRIGGER", all())],
        Kind::Policy => vec![("POLICY", all())],
        Kind::Publication => vec![("PUBLICATION", all())],
        Kind::EventTrigger => vec![("EVENT TRIGGER", all())],
        Kind::PublishedTable
        | Kind::PublishedSchema
        | Kind::DefaultPrivileges
        | Kind::Comment
        | Kind::Privileges
        | Kind::Owner => Vec::new(),
    }
}

fn path_at(path: &[String], at: usize) -> String {
    path.get(at).cloned().unwrap_or_default()
}

/// Whether it is a name of trueup's own, of what is there for a while: `trueup_convert_0123abcd`, in its schema also without
/// the first word.
fn is_ours(name: &[String]) -> bool {
    let (Some(last), in_schema) = (name.last(), name.len() == 2 && name[0] == "trueup") else { return false };
    let last = last.trim_start_matches(['!', '~']);
    let last = last.strip_suffix("_new").unwrap_or(last);
    let Some(rest) = last.strip_prefix("trueup_").or(in_schema.then_some(last)) else { return false };
    let digits = |text: &str| text.len() == 8 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    rest.rsplit_once('_').is_some_and(|(_, end)| digits(end))
}

/// The name that ALTER … RENAME TO gives.
fn renamed(name: &Name, names: &Names<'_>) -> Option<Name> {
    let to = names.found.names.last()?.last()?;
    let mut renamed = name.clone();
    renamed.last_mut()?.clone_from(to);
    Some(renamed)
}

fn part_name(names: &Names<'_>) -> Name {
    names.found.names.first().cloned().unwrap_or_default()
}

/// The relation that something is part of.
fn whole_of(noun: &str, name: &Name, names: &Names<'_>) -> Option<Name> {
    match noun {
        "RULE" | "TRIGGER" | "POLICY" | "CONSTRAINT" | "COLUMN" => name.get(..2).map(<[String]>::to_vec),
        "INDEX" => names.found.names.get(1).cloned(),
        "STATISTICS" => names.words.find("CREATE STATISTICS <it> … FROM <it>")?.names.get(1).cloned(),
        _ => None,
    }
}

/// Whether a domain's default goes and comes back within the same statements, while a type below it is exchanged.
fn is_default_away(all: &[Said<'_>], name: &Name) -> bool {
    const BOTH: [&str; 2] = ["ALTER DOMAIN <it> DROP DEFAULT", "ALTER DOMAIN <it> SET DEFAULT ***"];
    let says = |pattern: &str| {
        all.iter().any(|said| match &said.what {
            What::Object { noun: "DOMAIN", name: of, words, .. } => {
                of == name && words.find(pattern).is_some()
            }
            _ => false,
        })
    };
    BOTH.iter().all(|pattern| says(pattern))
}

/// Whether the same list makes it.
fn is_made(all: &[Said<'_>], noun: &str, name: &Name) -> bool {
    all.iter().any(|said| match &said.what {
        What::Object { does: Make, noun: made, name: it, .. } => {
            (*made == noun || granted_as(made, noun)) && it == name
        }
        What::Object { does: Rename, noun: made, name: it, found, words } => {
            let to = renamed(it, &Names { found, words });
            (*made == noun || granted_as(made, noun)) && to.as_ref() == Some(name)
        }
        _ => false,
    })
}

/// Whether it is the multirange that comes with a range type which the same list makes.
fn is_multirange_of_made(all: &[Said<'_>], name: &Name) -> bool {
    all.iter().any(|said| match &said.what {
        What::Object { does: Make, noun, words, .. } => {
            *noun == "TYPE" && words.assigned("multirange_type_name").as_ref() == Some(name)
        }
        _ => false,
    })
}

/// What GRANT calls TABLE and TYPE.
fn granted_as(made: &str, noun: &str) -> bool {
    matches!((made, noun), ("VIEW" | "MATERIALIZED VIEW", "TABLE") | ("DOMAIN", "TYPE"))
}

/// Whether the same list takes it away, or gives it another name.
fn is_taken(all: &[Said<'_>], noun: &str, name: &Name) -> bool {
    all.iter().any(|said| match &said.what {
        What::Object { does: Take | Rename, noun: taken, name: it, .. } => *taken == noun && it == name,
        _ => false,
    })
}

/// Whether it stepped aside for what the same list makes.
fn is_aside(all: &[Said<'_>], noun: &str, name: &Name) -> bool {
    all.iter().any(|said| match &said.what {
        What::Object { does: Rename, noun: aside, name: it, found, words } => {
            let to = renamed(it, &Names { found, words });
            *aside == noun && to.as_ref() == Some(name) && is_made(all, noun, it)
        }
        _ => false,
    })
}

/// Whether some clause of the same list, on this table, is such a one.
fn has_clause(all: &[Said<'_>], table: &Name, is: impl Fn(Clause, &Found, &Words<'_>) -> bool) -> bool {
    any_clause(all, |name, clause, found, words| name == table && is(clause, found, words))
}

/// The same on any table.
fn any_clause(all: &[Said<'_>], is: impl Fn(&Name, Clause, &Found, &Words<'_>) -> bool) -> bool {
    all.iter().any(|said| match &said.what {
        What::Table { name, clauses } => {
            clauses.iter().any(|(clause, found, words)| is(name, *clause, found, words))
        }
        _ => false,
    })
}

/// Whether a column of this name is there again when the list has run.
///
/// `whole`: whatever gives it; else only a column of trueup's own that takes its place.
fn is_given_again(all: &[Said<'_>], table: &Name, column: &Name, whole: bool) -> bool {
    has_clause(all, table, |clause, found, _| {
        let gives = match clause {
            Clause::AddColumn if whole => found.names.first(),
            Clause::RenameColumn => {
                let own = found.names.first().is_some_and(|from| is_ours(&[table.as_slice(), from].concat()));
                found.names.get(1).filter(|_| whole || own)
            }
            _ => None,
        };
        gives.and_then(|name| name.last()) == column.last()
    })
}

/// Whether the list revokes and grants the same.
fn is_granted_again(said: &Said<'_>, all: &[Said<'_>]) -> bool {
    let granted = |sql: &str| sql.strip_prefix("GRANT ").map(str::to_owned);
    let revoked = |sql: &str| sql.strip_prefix("REVOKE ").map(|it| it.replacen(" FROM ", " TO ", 1));
    let sql = said.sql.as_str();
    let of = |other: &Said<'_>| match granted(sql) {
        Some(it) => revoked(other.sql.as_str()).is_some_and(|other| it.starts_with(&other)),
        None => {
            revoked(sql).zip(granted(other.sql.as_str())).is_some_and(|(it, other)| other.starts_with(&it))
        }
    };
    all.iter().any(of)
}

/// Whether the list drops a column of this name and adds one that is computed.
fn is_computed_again(all: &[Said<'_>], table: &Name, column: &Name) -> bool {
    let clauses = all.iter().filter_map(|said| match &said.what {
        What::Table { name, clauses } if name == table => Some(clauses),
        _ => None,
    });
    let mut clauses = clauses
        .flatten()
        .filter(|(_, found, _)| found.names.first().and_then(|name| name.last()) == column.last());
    clauses.any(|(clause, ..)| *clause == Clause::DropColumn)
        && clauses.any(|(clause, _, words)| {
            *clause == Clause::AddColumn
                && words.find("ADD COLUMN <one> … GENERATED ALWAYS AS ( … ) STORED ***").is_some()
        })
}

fn is_added(all: &[Said<'_>], table: &Name, constraint: &Name) -> bool {
    has_clause(all, table, |clause, found, _| {
        clause == Clause::AddConstraint
            && found.names.first().and_then(|name| name.last()) == constraint.last()
    })
}

fn is_dropped(all: &[Said<'_>], table: &Name, constraint: &Name) -> bool {
    has_clause(all, table, |clause, found, _| {
        clause == Clause::DropConstraint
            && found.names.first().and_then(|name| name.last()) == constraint.last()
    })
}

/// Whether a sequence hands its position over to another one.
fn takes_position(all: &[Said<'_>], sequence: &Name) -> bool {
    all.iter().any(|said| {
        let from = Words::of(said.sql.as_str()).find(TAKES_POSITION);
        from.is_some_and(|found| found.names.first() == Some(sequence))
    })
}

/// What is wrong with a question to the data: it is one query, over rows of the relation whose owner's rights it has.
pub(super) fn question_flaw(sql: &Sql, relation: &str) -> Option<String> {
    let one = with_large_stack(|| not_one(sql)).ok().flatten();
    let words = Words::of(sql.as_str());
    let asks = || {
        [QUESTION, COUNT].iter().all(|it| words.find(it).is_none()).then_some("is no question to the data")
    };
    let of = || {
        let name = Words::of(relation).find("<it>")?.names.concat();
        let system = name.len() == 2 && (name[0].starts_with("pg_") || name[0] == "information_schema");
        (system || !words.names_behind("FROM").contains(&name))
            .then_some("does not ask for rows of the relation that it names")
    };
    Some(says(sql, one.or_else(asks).or_else(of)?))
}

/// Whether it is a name as SQL has it, and nothing else.
pub(super) fn is_name(text: &str) -> bool {
    Words::of(text).find("<it>").is_some()
}

/// Whether it is the name of something of trueup's own.
pub(super) fn is_own_name(text: &str) -> bool {
    Words::of(text).find("<it>").is_some_and(|found| found.names.iter().all(|name| is_ours(name)))
}

/// Whether one direction of a step takes a table or a column away that holds values of its own, by its statements: neither
/// a foreign table nor a column that is computed or trueup's own for a while.
pub(super) fn loses(step: &PlannedStep, undo: bool) -> bool {
    let (goes, sql, other) = if undo {
        (Verb::Create, &step.undo.sql, &step.sql)
    } else {
        (Verb::Drop, &step.sql, &step.undo.sql)
    };
    if ![goes, Verb::Replace].contains(&step.action) || is_ours(step.object.path.parts()) {
        return false;
    }
    let matches = |sql: &Sql, pattern: &str| Words::of(sql.as_str()).find(pattern).is_some();
    match step.object.kind {
        Kind::Table => sql.iter().any(|sql| matches(sql, "DROP TABLE <it>")),
        Kind::Column => {
            const COMPUTED: &str = "ALTER TABLE [ ONLY ] <it> ADD COLUMN … GENERATED ALWAYS AS ( … ) ***";
            let drops = |clause: Clause, found: &Found| {
                clause == Clause::DropColumn && found.names.concat() == [step.object.path.last()]
            };
            let drops = |sql: &Sql| match Said::read(sql).map(|said| said.what) {
                Some(What::Table { clauses, .. }) => {
                    clauses.iter().any(|(clause, found, _)| drops(*clause, found))
                }
                _ => false,
            };
            // what two names stand for is in the other column
            let shadows = sql.iter().any(|sql| matches(sql, "DROP TRIGGER <one> ON <it>"));
            sql.iter().any(drops) && !shadows && !other.iter().any(|sql| matches(sql, COMPUTED))
        }
        _ => false,
    }
}
