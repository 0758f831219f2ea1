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
        Change, Digest, FolderError, FootprintEntry, Plan, PlanFile,
        compatibility::{Fit, compatibility, waits_on_the_way_back},
        folder::{self, write_gitattributes},
        format,
    },
    report,
    sql::Sql,
    step::{Phase, Verb},
};

fn sample() -> Plan {
    let mut steps = steps();
    for (number, step) in (1..).zip(&mut steps) {
        step.id = number;
    }
    let entry = FootprintEntry {
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
    plan.steps[0].sql = nasty.iter().map(|text| Sql::new(*text)).collect();
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
    for name in ["plan.toml", "up.sql", "rollback.sql"] {
        let file = opened.dir.join(name);
        fs::write(&file, fs::read_to_string(&file).unwrap().replace('\n', "\r\n")).unwrap();
    }
    assert_eq!(PlanFile::open(&opened.dir).unwrap().digest, opened.digest);
    assert_eq!(PlanFile::open(&opened.dir.join("plan.toml")).unwrap().digest, opened.digest);
}

#[test]
fn what_was_edited_is_refused() {
    let edits: [(&str, &str, &str, &str); 9] = [
        (
            "plan.toml",
            "DROP COLUMN legacy",
            "DROP COLUMN email",
            "up.sql is not what plan.toml says (line 2)",
        ),
        ("plan.toml", "created = ", "# x\ncreated = ", "up.sql is not what plan.toml says (line 2)"),
        ("plan.toml", "format = 2", "format = 1", "reads format 2: plan again"),
        ("plan.toml", "summary = \"create table app.note\"", "sumary = \"\"", "unknown key `sumary`"),
        ("plan.toml", "id = 2", "id = 3", "step 3: expected number 2"),
        ("plan.toml", "batch = 4", "batch = 3", "a batch is in one phase"),
        ("plan.toml", "batch = 3", "batch = 2", "has a batch of its own"),
        (
            "up.sql",
            "ADD COLUMN tier text",
            "ADD COLUMN tier int",
            "up.sql is not what plan.toml says (line 10)",
        ),
        ("rollback.sql", "DROP VIEW", "DROP TABLE", "rollback.sql is not what plan.toml says"),
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
    insta::assert_snapshot!("up_sql", trueup::plan::script::up(&plan, &digest));
    insta::assert_snapshot!("rollback_sql", trueup::plan::script::rollback(&plan, &digest));
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
        "column app.person.tier",
        "SELECT '\u{202e}\u{1b}[2J```\n```` \u{7}'",
        "SELECT '\u{200b}'",
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
