//! Plans on disk: what is written comes back, and what was changed is refused.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support;
use std::{fs, path::Path};

use crate::support::{assemble, id, on_disk, step, steps};
use trueup::{
    approval::{self, Approval, Approver},
    catalog::Fingerprint,
    hazard::{Hazard, Level},
    plan::{
        Change, Digest, FolderError, FootprintEntry, Plan, PlanFile, PlannedStep,
        compatibility::{Fit, compatibility, waits_on_the_way_back},
        folder::{self, write_gitattributes},
        format, reading, script,
    },
    report,
    sql::Sql,
    step::{DataCheck, LockMode, LockSeen, OldName, Phase, Verb},
};

fn sample() -> Plan {
    let mut steps = steps();
    for (number, step) in (1..).zip(&mut steps) {
        step.id = number;
    }
    let entry = FootprintEntry {
        needs: std::collections::BTreeSet::new(),
        independent: false,
        object: id("column app.person.legacy"),
        base: Some(Fingerprint::of("a")),
        after: [(Phase::Expand, Change::Became(Fingerprint::of("b"))), (Phase::Contract, Change::Gone)]
            .into(),
        ddl: vec![Sql::new("ALTER TABLE app.person ADD COLUMN legacy text")],
        loose: None,
    };
    assemble(150_018, steps, vec![entry])
}

#[test]
fn a_plan_comes_back_as_it_was_whatever_its_sql_holds() {
    let nasty = [
        "SELECT 'it''s' || E'\\\\ \\n' || $$ \"\"\" ''' $$",
        "SELECT '\r\n lone \r and tab \t'",
        "-- bidi \u{202e} zero \u{200b} nul-like \u{1} del \u{7f}\nSELECT 1",
        "SELECT ''''''''''''",
        "\n\n  SELECT 1  -- leading and trailing newlines\n\n--",
        "SELECT '🦀 größe \u{2028}'",
        "",
    ];
    let mut plan = sample();
    let view = |text: &&str| Sql::new(format!("CREATE OR REPLACE VIEW app.tiers AS\n{text}"));
    plan.steps[3].sql = nasty.iter().map(view).collect();
    plan.steps[0].summary = "a # [[step]] \"'\r\n".into();
    let text = format::to_text(&plan).unwrap();
    assert!(!text.contains('\r'), "what Git could change is escaped");
    assert_eq!(format::from_text(Path::new("plan.toml"), &text).unwrap(), plan);
    assert_eq!(format::to_text(&plan).unwrap(), text, "the same bytes");
    let (_dir, opened) = on_disk(&plan);
    assert_eq!(opened.plan, plan);
}

#[test]
fn line_ends_of_a_checkout_do_not_matter() {
    let (_dir, opened) = on_disk(&sample());
    for name in ["plan.toml", "up-expand.sql", "rollback-contract.sql"] {
        let file = opened.dir.join(name);
        fs::write(&file, fs::read_to_string(&file).unwrap().replace('\n', "\r\n")).unwrap();
    }
    assert_eq!(PlanFile::open(&opened.dir).unwrap().digest, opened.digest);
    assert_eq!(PlanFile::open(&opened.dir.join("plan.toml")).unwrap().digest, opened.digest);
}

#[test]
fn what_was_edited_is_refused() {
    let edits: [(&str, &str, &str, &str); 11] = [
        (
            "plan.toml",
            "ADD COLUMN tier text",
            "ADD COLUMN tier int",
            "up-expand.sql is not what plan.toml says (line 2)",
        ),
        ("plan.toml", "created = ", "# x\ncreated = ", "up-expand.sql is not what plan.toml says (line 2)"),
        ("plan.toml", "format = 2", "format = 1", "reads format 2: plan again"),
        ("plan.toml", "summary = \"create table app.note\"", "sumary = \"\"", "unknown key `sumary`"),
        ("plan.toml", "id = 2", "id = 3", "step 3: expected number 2"),
        ("plan.toml", "batch = 4", "batch = 3", "a batch is in one phase"),
        ("plan.toml", "batch = 3", "batch = 2", "has a batch of its own"),
        (
            "up-expand.sql",
            "ADD COLUMN tier text",
            "ADD COLUMN tier int",
            "up-expand.sql is not what plan.toml says",
        ),
        ("rollback-expand.sql", "DROP VIEW", "DROP TABLE", "rollback-expand.sql is not what plan.toml says"),
        (
            "up-contract.sql",
            "ON_ERROR_STOP on",
            "ON_ERROR_STOP off",
            "up-contract.sql is not what plan.toml says",
        ),
        (
            "rollback-contract.sql",
            "ADD COLUMN legacy text",
            "ADD COLUMN legacy int",
            "rollback-contract.sql is not what plan.toml says",
        ),
    ];
    for (name, from, to, message) in edits {
        let (_dir, opened) = on_disk(&sample());
        let file = opened.dir.join(name);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let error = PlanFile::open(&opened.dir).unwrap_err();
        assert!(error.to_string().contains(message), "{name}, {from}: {error}");
        assert!(error.hint().is_some());
    }
    assert!(matches!(PlanFile::open(Path::new("/nowhere/plan")), Err(FolderError::Missing(_))));
}

/// What is said of a plan of one step with these statements, there and back.
fn refusal(action: Verb, object: &str, sql: &[&str], undo: &[&str]) -> String {
    let phase = if action == Verb::Drop { Phase::Contract } else { Phase::Expand };
    let mut step = step(phase, 1, action, object, "x", "x");
    step.id = 1;
    if action == Verb::Drop {
        step.hazards = ["DATA_LOSS", "BREAKS_OLD_CODE"].map(|code| support::hazard(code, "gone")).to_vec();
    }
    step.sql = sql.iter().map(|text| Sql::new(*text)).collect();
    step.undo.sql = undo.iter().map(|text| Sql::new(*text)).collect();
    let text = format::to_text(&assemble(150_018, vec![step], Vec::new())).unwrap();
    format::from_text(Path::new("plan.toml"), &text).map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn a_step_says_what_it_is_about_and_nothing_else() {
    use Verb::{Alter, Create, Drop, Rename, Replace};
    const NOTHING: &str = "is nothing that trueup writes";
    const NOT_ONE: &str = "is not one statement";
    const FUNCTION: &str = "CREATE OR REPLACE FUNCTION app.f()\n RETURNS integer\n LANGUAGE sql\nAS $function$SELECT 1; SELECT 2$function$";
    const ATOMIC: &str =
        "CREATE FUNCTION app.f() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END";
    const ADD: &str = "ALTER TABLE app.person ADD COLUMN tier text";
    const DROP_TIER: &str = "ALTER TABLE app.person DROP COLUMN tier";
    const SYNC: &str =
        "CREATE FUNCTION trueup.sync_0123abcd() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS ";
    // what plans have
    for (action, object, sql, undo) in [
        (Create, "function app.f()", vec![FUNCTION], vec!["DROP FUNCTION app.f()"]),
        (Create, "function app.f()", vec![ATOMIC], vec!["DROP FUNCTION app.f()"]),
        (Create, "column app.person.tier", vec![ADD], vec![DROP_TIER]),
        (
            Drop,
            "table app.note",
            vec!["DROP TABLE app.note"],
            vec!["CREATE TABLE app.note (id int)", "CREATE INDEX note_id ON app.note (id)"],
        ),
        // words that PostgreSQL 18 does not know
        (
            Create,
            "view app.v",
            vec!["CREATE VIEW app.v AS SELECT a WITHOUT SOMETHING NEW FROM app.t"],
            vec!["DROP VIEW app.v"],
        ),
        (
            Create,
            "privileges on table app.note",
            vec!["SET ROLE carol", "GRANT SELECT ON TABLE app.note TO reader", "RESET ROLE"],
            vec!["REVOKE SELECT ON TABLE app.note FROM reader"],
        ),
    ] {
        assert_eq!(refusal(action, object, &sql, &undo), "", "{object}");
    }
    let column = |more: &'static str| (Create, "column app.person.tier", vec![ADD, more], vec![DROP_TIER]);
    for ((action, object, sql, undo), message) in [
        (
            (
                Create,
                "function app.f()",
                vec![FUNCTION, "ALTER ROLE postgres SUPERUSER"],
                vec!["DROP FUNCTION app.f()"],
            ),
            "step 1: `ALTER ROLE postgres SUPERUSER` is nothing that trueup writes",
        ),
        (column("GRANT postgres TO mallory"), NOTHING),
        (column("DO $$BEGIN PERFORM app.f(); END$$"), NOTHING),
        (
            column("DO $$BEGIN IF EXISTS (SELECT FROM app.person) THEN DROP TABLE app.other; END IF; END$$"),
            NOTHING,
        ),
        (column("SELECT app.f()"), NOTHING),
        (column("SELECT pg_catalog.setval('app.s', app.f(), false) FROM app.s"), NOTHING),
        (column("COPY app.person TO PROGRAM 'id'"), NOTHING),
        (column("SET ROLE postgres"), "is for one GRANT or REVOKE"),
        (column("RESET ROLE"), NOTHING),
        (column("SET search_path = evil"), NOTHING),
        (column("TRUNCATE app.person"), NOTHING),
        (column("DELETE FROM app.person"), NOTHING),
        (column("CALL app.p()"), NOTHING),
        (column("CREATE TABLE app.x AS SELECT app.f()"), NOTHING),
        (column("CREATE TABLE app.x (a, b) AS SELECT app.f(), 1"), NOTHING),
        (column("ALTER SYSTEM SET archive_command = 'id'"), NOTHING),
        (column("ALTER DATABASE shop OWNER TO mallory"), NOTHING),
        (column("DROP TABLE app.other CASCADE"), NOTHING),
        (
            column("DROP TABLE app.other"),
            "is about table app.other, and the step about column app.person.tier",
        ),
        (column("DROP TABLE trueup.entry"), "is about table trueup.entry"),
        (column("ALTER TABLE app.person DROP COLUMN email"), "is about `DROP COLUMN email` of app.person"),
        (column("ALTER TABLE app.person ADD CHECK (true), DROP COLUMN email"), NOTHING),
        (
            column("ALTER TABLE app.person ADD CONSTRAINT c CHECK (true), DROP COLUMN email"),
            "is about `DROP COLUMN email`",
        ),
        (column("ALTER TABLE app.person OWNER TO mallory"), "is about `OWNER TO mallory`"),
        (
            column("ALTER TABLE app.person ALTER COLUMN tier SET STATISTICS 1, DISABLE TRIGGER t"),
            "`DISABLE TRIGGER t`",
        ),
        (column("GRANT SELECT ON TABLE app.person TO mallory"), "is about table app.person"),
        (column("GRANT SELECT (email) ON TABLE app.person TO mallory"), "is about table app.person"),
        (
            column("CREATE OR REPLACE FUNCTION app.g() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
            "is about function app.g",
        ),
        (column("DROP FUNCTION app.g()"), "is about function app.g"),
        (column("CREATE VIEW app.v AS SELECT 1"), "is about view app.v"),
        (
            column(
                "CREATE FUNCTION trueup.sync_0123abcd() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$BEGIN PERFORM app.f(); RETURN NEW; END$$",
            ),
            "is about function trueup.sync_0123abcd",
        ),
        (
            column(
                "CREATE TRIGGER \"!trueup_sync_0123abcd\" BEFORE UPDATE ON app.other FOR EACH ROW EXECUTE FUNCTION app.f()",
            ),
            "is about trigger app.other.!trueup_sync_0123abcd",
        ),
        (
            (
                Create,
                "column app.person.tier",
                vec!["ALTER TABLE app.person ADD COLUMN tier text; DROP TABLE app.other"],
                vec![DROP_TIER],
            ),
            NOT_ONE,
        ),
        (
            (
                Create,
                "view app.v",
                vec!["CREATE VIEW app.v AS SELECT 1 /* ; */; DROP TABLE app.other"],
                vec!["DROP VIEW app.v"],
            ),
            NOT_ONE,
        ),
        (
            (
                Create,
                "view app.v",
                vec!["CREATE VIEW app.v AS SELECT a WITHOUT SOMETHING NEW FROM app.t; DROP TABLE app.other"],
                vec!["DROP VIEW app.v"],
            ),
            NOT_ONE,
        ),
        ((Create, "column app.person.tier", vec![DROP_TIER], vec![DROP_TIER]), "is about `DROP COLUMN tier`"),
        (
            (Create, "table app.note", vec!["DROP TABLE app.note"], vec!["DROP TABLE app.note"]),
            "is not what it is to create table app.note",
        ),
        (
            (
                Drop,
                "table app.note",
                vec!["DROP TABLE app.note, app.person"],
                vec!["CREATE TABLE app.note (id int)"],
            ),
            NOTHING,
        ),
        (
            (Create, "view app.v", vec!["CREATE VIEW app.v AS SELECT 1"], vec!["DROP TABLE app.person"]),
            "step 1: on the way back `DROP TABLE app.person` is about table app.person",
        ),
        (
            (
                Replace,
                "function app.f(integer)",
                vec!["DROP FUNCTION app.f(text)"],
                vec!["DROP FUNCTION app.f(integer)"],
            ),
            "is about function app.f",
        ),
        (
            (
                Rename,
                "column app.person.email",
                vec![
                    "ALTER TABLE app.person DROP COLUMN email",
                    "ALTER TABLE app.person RENAME COLUMN legacy TO email",
                ],
                vec!["ALTER TABLE app.person RENAME COLUMN email TO legacy"],
            ),
            "is about `DROP COLUMN email`",
        ),
        (
            (
                Alter,
                "enum app.state",
                vec!["ALTER TABLE app.person ALTER COLUMN email TYPE text USING NULL::text"],
                vec!["ALTER TYPE app.state ADD VALUE 'x'"],
            ),
            "is about `ALTER COLUMN email TYPE text USING NULL::text`",
        ),
        (
            (
                Alter,
                "enum app.state",
                vec!["DROP TABLE app.other", "CREATE TABLE app.other (id int)"],
                vec!["ALTER TYPE app.state ADD VALUE 'x'"],
            ),
            "is about table app.other",
        ),
        (
            (
                Drop,
                "privileges on table app.person",
                vec!["DROP TABLE app.person"],
                vec!["GRANT SELECT ON TABLE app.person TO reader"],
            ),
            "is not what it is to drop privileges on table app.person",
        ),
        (
            (
                Drop,
                "sequence owner app.s",
                vec!["DROP SEQUENCE app.s"],
                vec!["ALTER SEQUENCE app.s OWNED BY app.person.id"],
            ),
            "is not what it is to drop sequence owner app.s",
        ),
        (
            (
                Drop,
                "default app.person.email",
                vec!["ALTER TABLE app.person DROP COLUMN email"],
                vec!["ALTER TABLE app.person ALTER COLUMN email SET DEFAULT ''"],
            ),
            "is about `DROP COLUMN email`",
        ),
        (
            (
                Drop,
                "comment on column app.person.email",
                vec!["ALTER TABLE app.person DROP COLUMN email"],
                vec!["COMMENT ON COLUMN app.person.email IS 'x'"],
            ),
            "is about `DROP COLUMN email`",
        ),
        (
            (
                Replace,
                "table app.person",
                vec!["DROP TABLE app.person", "CREATE TABLE app.person (id int)"],
                vec!["DROP TABLE app.person"],
            ),
            "is not what it is to replace table app.person",
        ),
        (
            (
                Create,
                "trigger app.person.t",
                vec!["ALTER TABLE app.person DISABLE ROW LEVEL SECURITY"],
                vec!["DROP TRIGGER t ON app.person"],
            ),
            "is about `DISABLE ROW LEVEL SECURITY`",
        ),
        (
            (
                Create,
                "privileges on table app.note",
                vec!["GRANT SELECT ON TABLE app.person TO mallory"],
                vec!["REVOKE SELECT ON TABLE app.note FROM reader"],
            ),
            "is about table app.person",
        ),
    ] {
        let said = refusal(action, object, &sql, &undo);
        assert!(said.contains(message), "{sql:?}: {message:?} was expected: {said:?}");
        assert!(!said.is_empty());
    }
    let helper = |body: &str| {
        refusal(Create, "column app.person.tier", &[ADD, &format!("{SYNC}{body}")], &[DROP_TIER])
    };
    assert_eq!(helper("$$BEGIN\n    NEW.a := NEW.b;\n    RETURN NEW;\nEND$$"), "");
    assert!(
        helper("$$BEGIN\n    NEW.a := NEW.b; DROP TABLE x;\n    RETURN NEW;\nEND$$")
            .contains("trueup.sync_0123abcd")
    );
}

/// What is asked of the data, and what names relations, is no way in either.
#[test]
fn a_question_to_the_data_asks_and_nothing_else() {
    let question = |condition: &str| {
        format!(
            "SELECT count(*), (pg_catalog.array_agg(example))[1] FROM (SELECT 'ctid = ' || t.ctid::pg_catalog.text \
             FROM app.person AS t WHERE {condition} LIMIT 1000) AS found (example)"
        )
    };
    let asked = |relation: &str, sql: String| {
        let mut plan = sample();
        plan.data_checks.push(DataCheck {
            phase: Phase::Expand,
            back: false,
            by_old_names: false,
            object: id("column app.person.email"),
            relation: relation.to_owned(),
            what: "NULL".to_owned(),
            sql: Sql::new(sql),
        });
        let text = format::to_text(&plan).unwrap();
        format::from_text(Path::new("plan.toml"), &text)
            .map_or_else(|error| error.to_string(), |_| String::new())
    };
    assert_eq!(asked("app.person", question("(email) IS NULL")), "");
    for (relation, sql, message) in [
        ("app.person", "COPY app.person TO PROGRAM 'id'".to_owned(), "is no question to the data"),
        ("app.person", "SELECT app.f(), NULL".to_owned(), "is no question to the data"),
        ("app.person", format!("{}; DROP TABLE app.person", question("true")), "is not one statement"),
        ("app.person; DROP TABLE app.other", question("true"), "is no name"),
    ] {
        let said = asked(relation, sql);
        assert!(said.contains("a data check of column app.person.email") && said.contains(message), "{said}");
    }
    let mut plan = sample();
    plan.old_names.push(OldName {
        column: id("column app.person.tier"),
        old: "legacy".to_owned(),
        writes: "trueup.writes_0123abcd".to_owned(),
        last: "app.person".to_owned(),
    });
    let text = format::to_text(&plan).unwrap();
    let error = format::from_text(Path::new("plan.toml"), &text).unwrap_err().to_string();
    assert!(error.contains("`app.person` is no sequence of trueup's own"), "{error}");
}

#[test]
fn only_what_nobody_approved_is_written_over() {
    let (dir, opened) = on_disk(&sample());
    let other = Plan { name: "other".into(), ..sample() };
    assert!(report::write_plan(&opened.dir, &sample()).is_ok(), "the same plan again");
    assert!(report::write_plan(&opened.dir, &other).is_ok(), "nobody approved the first");
    let opened = PlanFile::open(&opened.dir).unwrap();
    assert_eq!(opened.plan, other);
    support::approval(&opened, Phase::Expand).write(&opened).unwrap();
    assert!(matches!(report::write_plan(&opened.dir, &sample()), Err(FolderError::Occupied { .. })));
    assert!(report::write_plan(&opened.dir, &other).is_ok());
    assert_eq!(approval::read_all(&opened).unwrap().len(), 1);

    let foreign = dir.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    assert!(report::write_plan(&foreign, &other).is_ok(), "an empty folder");
    fs::remove_file(foreign.join("plan.toml")).unwrap();
    let error = folder::write(&foreign, &other, |_, _| String::new()).unwrap_err();
    assert!(error.to_string().ends_with("the folder is not empty and holds no plan"));
    let hidden = fs::read_dir(dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(hidden.count(), 0, "nothing is left lying about");
}

#[test]
fn git_is_told_to_leave_plans_alone() {
    let dir = tempfile::tempdir().unwrap();
    let plans = dir.path().join("plans");
    write_gitattributes(&plans).unwrap();
    let file = plans.join(".gitattributes");
    assert_eq!(fs::read_to_string(&file).unwrap(), "* -text\n");
    fs::write(&file, "mine").unwrap();
    write_gitattributes(&plans).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn approvals_come_back_and_are_read_strictly() {
    let (_dir, opened) = on_disk(&sample());
    let approval = Approval {
        reason: Some("read it \"all\"\n".into()),
        role: Some("dba".into()),
        expires: Some("2026-12-01T00:00:00Z".parse().unwrap()),
        ..support::approval(&opened, Phase::Contract)
    };
    let file = approval.write(&opened).unwrap();
    assert!(file.ends_with("approvals/contract-alice.toml"));
    assert_eq!(approval::read_all(&opened).unwrap(), [approval]);

    let text = fs::read_to_string(&file).unwrap();
    for (from, to, message) in [
        ("approver = \"alice\"", "approver = \"bob\"", "this is the approval of phase contract by bob"),
        ("phase = \"contract\"", "phase = \"expand\"", "this is the approval of phase expand by alice"),
        ("role", "rôle", "contract-alice.toml:"),
        ("accepts", "accept", "unknown key `accept`"),
        ("plan = \"", "plan = \"0", "64 hexadecimal digits"),
        ("approver = \"alice\"", "approver = \"../alice\"", "cannot be an approver's name"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        fs::write(&file, text.replace(from, to)).unwrap();
        let error = Approval::read(&file).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn an_approver_cannot_name_another_file() {
    for name in ["", "a/b", "../x", ".x", "-x", "a b", "a\u{202e}", "a\0", "ä", &"x".repeat(101)] {
        assert!(name.parse::<Approver>().is_err(), "{name:?}");
    }
    for name in ["alice", "a.b+c@example.org", "A_1-x"] {
        assert!(name.parse::<Approver>().is_ok(), "{name:?}");
    }
}

#[test]
fn a_digest_is_the_sha256_of_the_bytes() {
    assert_eq!(
        Digest::of("abc").as_str(),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert!("BA78".parse::<Digest>().is_err());
}

#[test]
fn scripts_for_reading() {
    let plan = sample();
    let digest = Digest::of("fixed");
    insta::assert_snapshot!("up_sql", reading::up(&plan, &digest));
    insta::assert_snapshot!("rollback_sql", reading::rollback(&plan, &digest));
}

/// What psql runs, but for what every script has.
#[test]
fn scripts_for_psql() {
    let plan = sample();
    let text = format::to_text(&plan).unwrap();
    let scripts = script::all(&plan, &Digest::of("fixed"), &text);
    assert_eq!(scripts.iter().map(|(name, _)| *name).collect::<Vec<_>>(), script::NAMES);
    for (name, script) in scripts {
        let title = name.trim_end_matches(".sql").replace("up-", "").replace("rollback-", "rollback of ");
        let (before, rest) = script.split_once(&format!("\n-- ==== {title} ====")).unwrap();
        let head: String = before
            .lines()
            .take_while(|line| line.starts_with("--"))
            .map(|line| format!("{line}\n"))
            .collect();
        insta::assert_snapshot!(name.replace(['-', '.'], "_"), format!("{head}…{rest}"));
    }
}

/// A plan of an earlier version has up.sql and rollback.sql, which are checked as that version wrote them.
#[test]
fn a_folder_of_an_earlier_version_is_read() {
    let plan = sample();
    let (_dir, opened) = on_disk(&plan);
    let earlier = reading::earlier(&plan, &opened.digest);
    let in_folder = |name: &str| opened.dir.join(name);
    let refused = || PlanFile::open(&opened.dir).unwrap_err().to_string();
    // beside the new ones, too
    fs::write(in_folder("up.sql"), &earlier[0].1).unwrap();
    PlanFile::open(&opened.dir).unwrap();
    fs::write(in_folder("up.sql"), "SELECT 1;\n").unwrap();
    assert!(refused().contains("up.sql is not what plan.toml says (line 1)"), "{}", refused());

    for name in script::NAMES {
        fs::remove_file(in_folder(name)).unwrap();
    }
    for (name, text) in &earlier {
        fs::write(in_folder(name), text).unwrap();
    }
    assert!(earlier[0].1.starts_with("-- up.sql: what `trueup apply` runs. For reading; plan.toml is what runs.\n-- plan 20261120-tier  sha256 "));
    assert_eq!(PlanFile::open(&opened.dir).unwrap().digest, opened.digest);
    for (name, text) in &earlier {
        fs::write(in_folder(name), text.replace("ADD COLUMN", "ADD  COLUMN")).unwrap();
        assert!(refused().contains(&format!("{name} is not what plan.toml says")), "{}", refused());
        fs::write(in_folder(name), text).unwrap();
    }
    fs::remove_file(in_folder("rollback.sql")).unwrap();
    assert!(refused().contains("rollback.sql: "), "{}", refused());
    // without any it is no earlier one
    fs::remove_file(in_folder("up.sql")).unwrap();
    assert!(refused().contains("up-expand.sql: "), "{}", refused());
    // written again, it is as this version writes it
    fs::write(in_folder("up.sql"), &earlier[0].1).unwrap();
    report::write_plan(&opened.dir, &plan).unwrap();
    assert!(!in_folder("up.sql").exists() && in_folder("up-expand.sql").exists());
}

/// A phase that has no steps has no scripts: a file of that name is none of the plan's.
#[test]
fn a_script_of_no_phase_is_refused() {
    let whole = sample();
    let (_dir, opened) = on_disk(&whole);
    let mut steps = whole.steps.clone();
    steps.retain(|step| step.phase == Phase::Expand);
    let expand = assemble(150_018, steps, Vec::new());
    // another plan in the same folder takes the scripts of the first away
    report::write_plan(&opened.dir, &expand).unwrap();
    let there = |name: &&str| opened.dir.join(name).exists();
    assert_eq!(
        script::NAMES.iter().filter(|name| there(name)).collect::<Vec<_>>(),
        [&"up-expand.sql", &"rollback-expand.sql"]
    );
    PlanFile::open(&opened.dir).unwrap();
    fs::write(opened.dir.join("up-contract.sql"), "DROP TABLE app.person;\n").unwrap();
    let error = PlanFile::open(&opened.dir).unwrap_err();
    assert!(error.to_string().contains("up-contract.sql is of no phase of plan.toml"), "{error}");
    assert!(error.hint().is_some());
}

/// What a transaction runs is one transaction in the script, also around a step that only the way back runs.
#[test]
fn a_step_that_runs_nothing_ends_no_transaction() {
    let mut plan = sample();
    let idle =
        PlannedStep { sql: Vec::new(), summary: "on the way back, lock".into(), ..plan.steps[0].clone() };
    plan.steps.insert(1, idle);
    let up = reading::up(&plan, &Digest::of("fixed"));
    let between: Vec<&str> =
        up.lines().skip_while(|line| !line.contains("ADD COLUMN tier")).take(3).collect();
    assert_eq!(
        between,
        [
            "ALTER TABLE app.person ADD COLUMN tier text;",
            "-- step 1: on the way back, lock",
            "-- step 2: create table app.note"
        ]
    );
}

/// A step that differs in whom it grants something is no like one, whatever a plan says of locks.
#[test]
fn grantees_are_not_folded_away() {
    let mut steps: Vec<PlannedStep> = (1..=6)
        .map(|n| {
            let to = if n == 5 { "mallory" } else { "app" };
            let (grant, revoke) = (
                format!("GRANT SELECT ON TABLE public.t{n} TO {to}"),
                format!("REVOKE SELECT ON TABLE public.t{n} FROM {to}"),
            );
            let object = format!("privileges on table public.t{n}");
            let mut step = step(Phase::Expand, n, Verb::Create, &object, &grant, &revoke);
            let lock = LockSeen { relation: format!("public.{to}"), mode: LockMode::AccessShare };
            step.seen.locks.push(lock);
            step
        })
        .collect();
    for (id, step) in (1..).zip(&mut steps) {
        step.id = id;
    }
    let plan = assemble(150_000, steps, Vec::new());
    for page in
        [report::text::plan(&plan, &Digest::of("x"), false), report::markdown::plan(&plan, &Digest::of("x"))]
    {
        assert!(page.contains("mallory"), "{page}");
    }
}

#[test]
fn reviews() {
    let mut plan = sample();
    plan.notes = vec!["2 rows of seed data were skipped (schema/seed.sql:3)".into()];
    plan.unmanaged = vec!["text search dictionary app.english".into()];
    plan.rehearsal.not_rehearsed = vec!["function app.c(): its library is not here".into()];
    let digest = Digest::of("fixed");
    for (name, format) in [
        ("markdown", report::Format::Markdown),
        ("text", report::Format::Text),
        ("json", report::Format::Json),
        ("sql", report::Format::Sql),
    ] {
        insta::assert_snapshot!(name, report::render(&plan, &digest, format, false));
    }
    assert!(report::render(&plan, &digest, report::Format::Text, true).contains("\u{1b}["));
}

#[test]
fn what_would_deceive_a_reviewer_is_written_out() {
    let mut plan = sample();
    plan.name = "a\u{202e}b | `x` <script>".into();
    plan.steps[0] = step(
        Phase::Expand,
        1,
        Verb::Create,
        "view app.x",
        "CREATE VIEW app.x AS SELECT '\u{202e}\u{1b}[2J```\n```` \u{7}'",
        "DROP VIEW app.x /* \u{200b} */",
    );
    plan.steps[0].id = 1;
    plan.steps[0].summary = "x | y\u{1b}[0m\n# heading".into();
    let (_dir, opened) = on_disk(&plan);
    for format in [report::Format::Markdown, report::Format::Text, report::Format::Sql] {
        let shown = report::render(&opened.plan, &opened.digest, format, false);
        let hidden =
            shown.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{200b}'..='\u{202e}').contains(c));
        assert_eq!(hidden, None, "{format:?}");
    }
    let page = report::render(&opened.plan, &opened.digest, report::Format::Markdown, false);
    assert!(page.contains("`````sql\n"), "the fence is longer than any in the text");
    assert!(page.contains("x \\| y\\\\u{1b}\\[0m\\\\n\\#<!-- --> heading"), "{page}");
}

/// The hazards of the steps say at which points old and new code work.
#[test]
fn what_a_plan_means_for_code_follows_from_its_hazards() {
    let mut plan = sample();
    let hazard = |code: &str, level| Hazard {
        code: code.into(),
        level,
        message: String::new(),
        advice: String::new(),
    };
    let at = |plan: &Plan| {
        let points = compatibility(plan).into_iter();
        points.map(|point| (point.old_code, point.new_code)).collect::<Vec<_>>()
    };
    let works = || (Fit::Works, Fit::Works);
    plan.steps[4].hazards.retain(|hazard| hazard.code == "DATA_LOSS");
    assert_eq!(at(&plan), [works(), works(), works()], "losing data breaks no code by itself");
    plan.steps[0].hazards = vec![hazard("NEW_CODE_WAITS", Level::Notice)];
    plan.steps[1].hazards = vec![hazard("CONSTRAINS_OLD_CODE", Level::Warning)];
    plan.steps[4].hazards = vec![hazard("BREAKS_OLD_CODE", Level::Danger)];
    assert_eq!(
        at(&plan),
        [
            (Fit::Works, Fit::Fails(vec![1])),
            (Fit::Constrained(vec![2]), Fit::Works),
            (Fit::Fails(vec![5]), Fit::Works)
        ]
    );
    assert!(waits_on_the_way_back(&compatibility(&plan)));
    plan.steps[4].hazards.push(hazard("NEW_CODE_WAITS", Level::Notice));
    assert_eq!(at(&plan)[1], (Fit::Constrained(vec![2]), Fit::Fails(vec![5])));
    plan.steps[2].hazards = vec![hazard("BREAKS_OLD_CODE", Level::Danger)];
    assert_eq!(at(&plan)[1].0, Fit::Fails(vec![3]));
    assert!(!waits_on_the_way_back(&compatibility(&plan)), "old code does not come back before the start");
}
