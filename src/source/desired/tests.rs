use super::*;
use crate::annotation::{AnnotationTarget, Instruction};

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), text: text.to_owned() }
}

fn read(text: &str) -> Desired {
    parse(&[file("a.sql", text)]).expect(text)
}

fn errors(text: &str) -> String {
    parse(&[file("a.sql", text)]).expect_err(text).to_string()
}

/// The first words of the statements in the order of loading.
fn order(files: &[SourceFile]) -> Vec<String> {
    let desired = parse(files).expect("the files parse");
    let words = |text: &str| text.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    desired.statements.iter().map(|statement| words(&statement.text)).collect()
}

#[test]
fn each_statement_has_its_class() {
    for (text, class) in [
        ("CREATE ROLE app", Class::Role),
        ("GRANT a TO b", Class::Role),
        ("CREATE SCHEMA s", Class::Schema),
        ("CREATE EXTENSION citext", Class::Extension),
        ("CREATE SERVER s FOREIGN DATA WRAPPER w", Class::Infrastructure),
        ("CREATE TYPE t AS ENUM ('a')", Class::Type),
        ("CREATE TYPE t", Class::Type),
        ("CREATE DOMAIN d AS int", Class::Type),
        ("CREATE COLLATION c (locale = 'C')", Class::Type),
        ("ALTER TYPE t ADD VALUE 'b'", Class::TypeChange),
        ("ALTER TYPE t ADD ATTRIBUTE b int", Class::TypeChange),
        ("CREATE SEQUENCE s", Class::Sequence),
        ("CREATE PROCEDURE p() LANGUAGE sql AS ''", Class::Function),
        ("CREATE AGGREGATE a(int) (SFUNC = f, STYPE = int)", Class::FunctionUser),
        ("CREATE OPERATOR + (FUNCTION = f, RIGHTARG = int)", Class::FunctionUser),
        ("CREATE TABLE t (a int)", Class::Table),
        ("CREATE FOREIGN TABLE t (a int) SERVER s", Class::Table),
        ("CREATE TABLE t (LIKE u INCLUDING ALL)", Class::TableCopy),
        ("CREATE TABLE t AS SELECT 1", Class::TableCopy),
        ("SELECT 1 AS a INTO t", Class::TableCopy),
        ("ALTER TABLE t ADD COLUMN b int", Class::TableChange),
        ("ALTER TABLE ONLY t ATTACH PARTITION u FOR VALUES IN (1)", Class::TableChange),
        ("ALTER TABLE t ALTER a SET DEFAULT 1", Class::Default),
        ("ALTER TABLE t ADD PRIMARY KEY (a)", Class::Constraint),
        ("ALTER TABLE t ADD COLUMN c int, ADD FOREIGN KEY (c) REFERENCES u", Class::ForeignKey),
        ("ALTER TABLE t ENABLE TRIGGER ALL", Class::Trigger),
        ("ALTER TABLE t OWNER TO x", Class::Owner),
        ("CREATE INDEX ON t (a)", Class::Index),
        ("ALTER INDEX i ATTACH PARTITION j", Class::IndexChange),
        ("ALTER TABLE t REPLICA IDENTITY USING INDEX i", Class::IndexChange),
        ("CREATE VIEW v AS SELECT 1", Class::View),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", Class::MaterializedView),
        ("CREATE RULE r AS ON INSERT TO t DO NOTHING", Class::Rule),
        ("CREATE TRIGGER r AFTER INSERT ON t EXECUTE FUNCTION f()", Class::Trigger),
        ("CREATE POLICY p ON t", Class::Policy),
        ("CREATE PUBLICATION p", Class::Publication),
        ("COMMENT ON TABLE t IS 'x'", Class::Comment),
        ("REVOKE ALL ON t FROM PUBLIC", Class::Privilege),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x", Class::DefaultPrivileges),
        ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()", Class::EventTrigger),
        ("DO $$ BEGIN CREATE TYPE t AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN END $$", Class::Type),
    ] {
        let desired = read(text);
        assert_eq!(desired.statements.iter().map(|one| one.class).collect::<Vec<_>>(), [class], "{text}");
    }
}

#[test]
fn what_is_no_ddl_is_refused_with_its_place_and_what_to_do() {
    for (text, start) in [
        ("UPDATE t SET a = 1", "UPDATE does not belong"),
        ("DELETE FROM t", "DELETE does not belong"),
        ("WITH x AS (SELECT 1) DELETE FROM t", "WITH does not belong"),
        ("TRUNCATE t", "TRUNCATE does not belong"),
        ("SELECT 1", "SELECT does not belong"),
        ("SELECT setval('s', 1), f()", "SELECT does not belong"),
        ("CALL f()", "CALL does not belong"),
        ("ROLLBACK", "ROLLBACK does not belong"),
        ("VACUUM", "VACUUM does not belong"),
        ("CREATE DATABASE d", "CREATE DATABASE does not belong"),
        ("ALTER SYSTEM SET a = 1", "ALTER SYSTEM does not belong"),
        ("CREATE TABLESPACE t LOCATION '/x'", "CREATE TABLESPACE does not belong"),
        ("COPY t TO stdout", "COPY does not belong"),
        ("SET client_encoding = 'LATIN1'", "SET client_encoding = 'LATIN1' does not belong"),
        ("\\set x 1", "the psql command \\set does not belong"),
    ] {
        let text = format!("CREATE TABLE t ();\n  {text};");
        let found = errors(&text);
        assert!(found.starts_with(&format!("a.sql:2:3: {start}")), "{text}: {found}");
        assert!(found.contains("\n  "), "{found} has no advice");
    }
}

#[test]
fn what_dumps_bring_along_is_skipped_with_a_note() {
    let desired = read(
        "BEGIN;\nINSERT INTO t VALUES (1);\nCOPY t FROM stdin;\n1'\n\\.\nSELECT pg_catalog.setval('s', 1, true);\n\
         ALTER DATABASE d SET a = 1;\nDROP ROLE r;\nDROP TABLE IF EXISTS t;\nCOMMIT;\n",
    );
    assert!(desired.statements.is_empty());
    let notes: Vec<String> =
        desired.notes.iter().map(|note| format!("{}: {}", note.at.line, note.message)).collect();
    assert_eq!(
        notes,
        [
            "2: INSERT skipped: trueup manages the schema, not rows",
            "3: COPY skipped: trueup manages the schema, not rows",
            "6: setval skipped: trueup manages the schema, not values",
            "7: ALTER DATABASE skipped: settings of the database are not managed",
            "8: DROP ROLE skipped: trueup never drops roles",
        ]
    );
}

#[test]
fn syntax_errors_are_where_the_parser_stopped() {
    for (text, message) in [
        ("CREATE TABLE t (\n  a int,\n  b in t, in)", "a.sql:3:5: syntax error at or near \"in\""),
        ("CREATE TABLE t (a int;", "a.sql:1:22: syntax error at or near \";\""),
        ("CREATE TABLE t", "a.sql:1:15: syntax error at end of input"),
        ("\u{feff}CREATE TABEL t ()", "a.sql:1:8: syntax error at or near \"TABEL\""),
        ("CREATE TABLE é (a int,, b int)", "a.sql:1:23: syntax error at or near \",\""),
    ] {
        assert_eq!(errors(text), message, "{text}");
    }
}

#[test]
fn statements_run_under_the_settings_where_they_stand() {
    let desired = read(
        "CREATE TABLE a ();\nSET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', 's', false);\n\
         CREATE TABLE b ();\nBEGIN;\nSET LOCAL search_path = u;\nCREATE TABLE c ();\nCOMMIT;\nCREATE TABLE d ();\n\
         RESET ALL;\nCREATE TABLE e ();",
    );
    let empty = settings::Settings::default();
    let under: Vec<Vec<String>> =
        desired.statements.iter().map(|one| desired.settings[one.settings].switch_from(&empty)).collect();
    let set = "SELECT pg_catalog.set_config('search_path', 's', false)".to_owned();
    assert_eq!(
        under,
        [vec![], vec![set.clone()], vec!["SET SESSION  search_path = u".to_owned()], vec![set], vec![]]
    );
}

#[test]
fn undoing_and_renaming_stay_behind_what_they_undo() {
    assert_eq!(
        order(&[file(
            "a.sql",
            "DROP VIEW IF EXISTS v; CREATE TABLE t (a int, b int); CREATE INDEX i ON t (b); CREATE VIEW v AS SELECT a FROM t;
             ALTER TABLE t DROP COLUMN b; ALTER TABLE t RENAME a TO c; DROP VIEW v; DROP FUNCTION IF EXISTS f();"
        )]),
        ["CREATE TABLE t", "CREATE INDEX i", "CREATE VIEW v", "ALTER TABLE t", "ALTER TABLE t", "DROP VIEW v"]
    );
}

#[test]
fn default_privileges_before_all_objects_are_early() {
    let grants = "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;";
    let class = |text: &str| {
        let found = read(text).statements.into_iter().find(|one| one.text.starts_with("ALTER DEFAULT"));
        found.map(|one| one.class)
    };
    assert_eq!(
        class(&format!("CREATE SCHEMA s; {grants} CREATE TABLE t ();")),
        Some(Class::EarlyDefaultPrivileges)
    );
    assert_eq!(class(&format!("CREATE TABLE t (); {grants}")), Some(Class::DefaultPrivileges));
    assert_eq!(class(grants), Some(Class::DefaultPrivileges));
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    let files = [
        file("b.sql", "CREATE TABLE t (); CREATE TABLE u ();"),
        file("a.sql", "SET search_path = s; CREATE VIEW v AS TABLE t; CREATE TABLE w ();"),
    ];
    let shuffled = [files[1].clone(), files[0].clone()];
    assert_eq!(order(&files), order(&shuffled));
    assert_eq!(order(&files), ["CREATE TABLE w", "CREATE TABLE t", "CREATE TABLE u", "CREATE VIEW v"]);
}

#[test]
fn roles_are_known_by_name() {
    let desired = read(
        "GRANT SELECT ON t TO a, PUBLIC WITH GRANT OPTION; ALTER TABLE t OWNER TO b; CREATE POLICY p ON t TO c;
         CREATE SCHEMA AUTHORIZATION d; ALTER DEFAULT PRIVILEGES FOR ROLE e GRANT SELECT ON TABLES TO f, CURRENT_USER;
         GRANT g TO h; ALTER FUNCTION x() OWNER TO i; GRANT pg_read_all_data TO CURRENT_ROLE;",
    );
    assert_eq!(
        desired.roles.iter().map(String::as_str).collect::<Vec<_>>(),
        ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
    );
}

#[test]
fn annotations_are_on_the_object_of_their_line_or_of_the_next() {
    let desired = read(
        "SET search_path = app;
         -- @renamed from=people
         -- an ordinary comment, by jane@example.com
         CREATE TABLE person (
             id int, -- @renamed from=key
             -- @renamed from=n
             -- @backfill using='x'
             name text
                 NOT NULL, -- @convert using=name::text
             kind text CHECK (kind <> ',') -- @renamed from=sort
                 CONSTRAINT short CHECK (length(kind) < 9), -- @renamed from=brief
             CONSTRAINT c UNIQUE (id) -- @renamed from=d
         );
         ALTER TABLE person ADD COLUMN age int; -- @backfill using=0
         ALTER TABLE person
             ADD COLUMN x int, -- @backfill using=1
             /* @renamed from=old */ ADD CONSTRAINT y CHECK (x > 0);
         CREATE TYPE mood AS ENUM ('sad', -- @renamed from='blue'
             'ok' /* @renamed from=fine */);
         CREATE TYPE pair AS (a int, -- @renamed from=l
             b int); -- @renamed from=couple
         CREATE FUNCTION other.f(a int) RETURNS int LANGUAGE sql AS $$
             -- @param a is none of ours
             SELECT 1 $$; -- @renamed from=g",
    );
    let found: Vec<(usize, String, &str)> = desired
        .annotations
        .iter()
        .map(|annotation| (annotation.at.line, annotation.target.to_string(), annotation.instruction.word()))
        .collect();
    let expected = [
        (2, "table app.person", "renamed"),
        (5, "column app.person.id", "renamed"),
        (6, "column app.person.name", "renamed"),
        (7, "column app.person.name", "backfill"),
        (9, "column app.person.name", "convert"),
        (10, "column app.person.kind", "renamed"),
        (11, "constraint app.person.short", "renamed"),
        (12, "constraint app.person.c", "renamed"),
        (14, "column app.person.age", "backfill"),
        (16, "column app.person.x", "backfill"),
        (17, "constraint app.person.y", "renamed"),
        (18, "label 'sad' of enum app.mood", "renamed"),
        (19, "label 'ok' of enum app.mood", "renamed"),
        (20, "attribute a of type app.pair", "renamed"),
        (21, "type app.pair", "renamed"),
        (24, "function other.f", "renamed"),
    ];
    let found: Vec<(usize, &str, &str)> =
        found.iter().map(|(line, target, word)| (*line, &**target, *word)).collect();
    assert_eq!(found, expected);
    assert!(
        matches!(&desired.annotations[0].instruction, Instruction::Renamed { from, .. } if from == "people")
    );
    assert!(
        matches!(&desired.annotations[13].target, AnnotationTarget::Attribute { name, .. } if name == "a")
    );
}

#[test]
fn annotations_without_a_meaning_are_errors() {
    for (text, message) in [
        ("-- @renamed from=a\n\nCREATE TABLE t ();", "a.sql:1:4: @renamed belongs to nothing\n"),
        ("CREATE TABLE t ();\n\n-- @renamed from=a", "a.sql:3:4: @renamed belongs to nothing\n"),
        ("-- @renamed from=a\nGRANT SELECT ON t TO x;", "a.sql:1:4: @renamed belongs to nothing\n"),
        (
            "CREATE TABLE t (); -- @backfill using=1",
            "a.sql:1:23: @backfill is on table public.t, and only columns",
        ),
        (
            "CREATE TABLE t (\n a int -- @renamd from=b\n);",
            "a.sql:2:11: unknown annotation `@renamd`\n  did you mean",
        ),
        (
            "CREATE TABLE t (a int -- @backfill using=1 +\n);",
            "a.sql:1:26: @backfill: `1 +` is not an SQL expression",
        ),
        ("CREATE TABLE t (a int -- @backfill using=1, 2\n);", ""),
        (
            "CREATE TABLE t (a int -- @backfill using=1); DROP TABLE t; --\n);",
            "a.sql:1:26: @backfill: a parenthesis",
        ),
    ] {
        match parse(&[file("a.sql", text)]) {
            Ok(_) => assert!(message.is_empty(), "{text} is accepted"),
            Err(found) => assert!(found.to_string().starts_with(message), "{text}: {found}"),
        }
    }
    assert!(
        parse(&[file("a.sql", "CREATE TABLE t (a text -- @backfill using='${plan} x' || ${who}\n);")])
            .is_ok()
    );
}

#[test]
fn expressions_may_be_nested_deeper_than_any_person_writes() {
    let sum = |count: usize| format!("CREATE VIEW v AS SELECT {} AS x", vec!["1"; count].join("+"));
    for text in
        [sum(50), sum(5_000), sum(60_000), format!("CREATE VIEW v AS SELECT {}true", "NOT ".repeat(15_000))]
    {
        assert_eq!(read(&text).statements[0].class, Class::View);
    }
}

/// A little of everything that has quotes, nesting or lines of its own.
const SAMPLE: &str = "\u{feff}\\restrict x\nSET search_path = 'a', \"$user\";\n-- @renamed from=\"o\"\"p\"\n\
    CREATE TABLE \"T é\" (a int DEFAULT 1, -- @backfill using=f('x', $1) where=a>0 batch=7\n b text CHECK (b <> E'\\'')\n);\n\
    CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;\n\
    /* a /* b */ @x */ DO $x$ BEGIN EXECUTE 'CREATE TABLE q()'; END $x$;\n\
    CREATE TYPE e AS ENUM ('a', 'b' /* @renamed from='c' */);\nCOPY t (a) FROM stdin;\n1\t'\\N\n\\.\n\
    SELECT set_config('search_path', '', false);\nALTER TABLE t ADD COLUMN z int, ADD CONSTRAINT k CHECK (z > 1);\n\
    CREATE INDEX CONCURRENTLY i ON t (a);\nGRANT a TO b;\nDROP TABLE IF EXISTS t CASCADE;\n\\unrestrict x\n";

#[test]
fn any_text_at_all_is_read_or_refused() {
    assert!(parse(&[file("a.sql", SAMPLE)]).is_ok());
    for end in (0..SAMPLE.len()).filter(|end| SAMPLE.is_char_boundary(*end)) {
        let _ = parse(&[file("a.sql", &SAMPLE[..end])]);
        let _ = parse(&[file("a.sql", &SAMPLE[end..])]);
    }
    // xorshift: the same texts every time
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap_or(0)
    };
    const ODD: [&str; 22] = [
        "'",
        "\"",
        "$$",
        "$x$",
        "(",
        ")",
        ";",
        "\\",
        "\\.\n",
        "--",
        "/*",
        "*/",
        "\0",
        "\n",
        "@renamed ",
        "é",
        "\u{feff}",
        "E'",
        "BEGIN ATOMIC ",
        "END",
        ",",
        "",
    ];
    for _ in 0..1_500 {
        let mut chars: Vec<String> = SAMPLE.chars().map(String::from).collect();
        for _ in 0..=random(4) {
            let at = random(chars.len());
            chars[at] = ODD[random(ODD.len())].to_owned();
        }
        let text = chars.concat();
        let _ = parse(&[file("a.sql", &text)]);
        let _ = crate::source::body::names_in(&text);
    }
}

#[test]
fn folders_are_read_in_order_and_missing_files_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("b")).expect("a folder");
    for (name, text) in [("b/1.sql", "x"), ("a.SQL", "y"), (".hidden.sql", "z"), ("c.txt", "z")] {
        std::fs::write(path(name), text).expect("a file");
    }
    let texts = |paths: &[std::path::PathBuf]| {
        read_paths(paths, None).map(|files| files.into_iter().map(|file| file.text).collect::<Vec<_>>())
    };
    assert_eq!(texts(&[folder.path().to_owned()]).expect("the folder"), ["y", "x"]);
    assert_eq!(texts(&[path("c.txt"), path("c.txt")]).expect("the file"), ["z"]);
    let missing = texts(&[path("no.sql")]).expect_err("there is none").to_string();
    assert!(missing.contains("no.sql: no such file or folder"), "{missing}");
    std::fs::write(path("c.txt"), b"a\n\xc3\xa9\xff").expect("a file");
    let wrong = texts(&[path("c.txt")]).expect_err("not UTF-8").to_string();
    assert!(wrong.contains("c.txt:2:2: not UTF-8"), "{wrong}");
}

#[test]
fn a_project_is_left_by_no_path_and_no_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for name in ["project/schema/deep", "project/.git", "elsewhere"] {
        std::fs::create_dir_all(path(name)).expect("a folder");
    }
    for name in ["project/schema/a.sql", "project/.git/config.sql", "project/b.sql", "elsewhere/c.sql"] {
        std::fs::write(path(name), "x").expect("a file");
    }
    let project = path("project");
    let read = |name: &str| read_paths(&[path(name)], Some(&project)).map(|files| files.len());
    let refused = |name: &str| read(name).expect_err("it lies outside").to_string();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, path(name)).expect("a link");
    // to itself, to a file beside
    link("..", "project/schema/deep/up");
    link("../b.sql", "project/schema/b.sql");
    assert_eq!(read("project/schema").expect("all is inside"), 2);
    assert_eq!(read("project/schema/../b.sql").expect("it is inside"), 1);
    for name in ["elsewhere", "elsewhere/c.sql", "project/../elsewhere/c.sql", "project/.git/config.sql"] {
        assert!(refused(name).contains("it lies outside the project ("), "{}", refused(name));
    }
    for (to, name) in [
        ("../../elsewhere/c.sql", "project/schema/c.sql"),
        ("../../elsewhere", "project/schema/elsewhere"),
        ("../.git", "project/schema/git"),
    ] {
        link(to, name);
        assert!(refused("project/schema").contains(&*path(name).to_string_lossy()), "{name}");
        assert!(read_paths(&[path("project/schema")], None).is_ok(), "the user's own");
        std::fs::remove_file(path(name)).expect("a link");
    }
}

#[test]
fn words_of_a_secret_are_not_repeated() {
    for text in [
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (password hunter2);",
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (password \"hunter2\");",
        "ALTER SERVER s options (SET password hunter2);",
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTION (token hunter2);",
        "ALTER ROLE app PASSWORD hunter2;",
        "ALTER ROLE app PASSWORD 'it's hunter2';",
        "ALTER ROLE app PASSWORD a;hunter2;",
        "CREATE ROLE app PASSWORD 'x' hunter2;",
        "CREATE SUBSCRIPTION s CONNECTION postgres://u:hunter2@h PUBLICATION p;",
        "ALTER ROLE app PASSWORD x\\hunter2;",
    ] {
        let error = parse(&[file("a.sql", text)]).expect_err("it is wrong").to_string();
        assert!(error.starts_with("a.sql:1:") && !error.contains("hunter2"), "{error}");
    }
    let error =
        parse(&[file("a.sql", "CREATE TABLE t (a int,, b int);")]).expect_err("it is wrong").to_string();
    assert!(error.contains("at or near \",\""), "{error}");
}
