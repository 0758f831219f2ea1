//! Plans that somebody forged: hazards cut out, statements put in, and everything that can be made right made right. They are
//! refused when they are read, when they are rehearsed again, or when they are to be made again; and where policy says whose
//! plans count, they do not.

use std::fs;

use trueup::{
    hazard::Level,
    name::ObjectId,
    plan::{Checkpoints, Digest, Plan, PlanFile, format, from_text, script},
    report,
    sql::Sql,
    step::{Operation, Phase, Verb},
};

use super::approvals::{approve, key, planned, refused, rules, signers};
use crate::oracle::{self, Database, runtime};

const LIVE: &str = "
    CREATE TABLE a (id int PRIMARY KEY, gone int);
    CREATE TABLE victim (id int);
    INSERT INTO victim VALUES (1);
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';";
const WANTED: &str = "
    CREATE TABLE a (id int PRIMARY KEY, more text);
    CREATE TABLE victim (id int CONSTRAINT positive CHECK (id > 0));
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';";

/// Writes a plan as its forger would: whatever it says, its digest, its scripts and its page are right.
fn write(database: &Database, folder: &str, plan: &Plan) {
    let text = format::to_text(plan).unwrap();
    let digest = Digest::of(&text);
    let scripts = script::all(plan, &digest, &text);
    let own =
        [("plan.toml", text), ("README.md", report::render(plan, &digest, report::Format::Markdown, false))];
    fs::create_dir_all(database.path(folder).join("approvals")).unwrap();
    for (name, text) in own.into_iter().chain(scripts) {
        fs::write(database.path(folder).join(name), text).unwrap();
    }
}

/// The place of the step about this object.
fn of(plan: &Plan, object: &str) -> usize {
    let id: ObjectId = object.parse().unwrap();
    plan.steps.iter().position(|step| step.object == id && step.operation != Operation::Nothing).unwrap()
}

type Forgery = (&'static str, fn(&mut Plan), &'static str);

/// What is seen when a plan is read.
const READ: &[Forgery] = &[
    (
        "a second statement in one",
        |plan| {
            let at = of(plan, "column public.a.more");
            let sql = plan.steps[at].sql[0].as_str();
            plan.steps[at].sql[0] = Sql::new(format!("{sql}; DROP TABLE public.victim"));
        },
        "is not one statement",
    ),
    (
        "a second statement behind a string that goes on in the next line",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].sql[0] = Sql::new(
                "ALTER TABLE public.a ADD COLUMN more text, ADD COLUMN system_user text DEFAULT E'a'\n'\\' '; \
                 DROP TABLE public.victim; ALTER TABLE public.a DROP COLUMN system_user -- '",
            );
        },
        "is not one statement",
    ),
    (
        "a clause behind such a string",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].sql[0] = Sql::new(
                "ALTER TABLE public.a ADD COLUMN more text DEFAULT E'a' -- x\n '\\' ', DROP COLUMN id -- '",
            );
        },
        "is about `DROP COLUMN id` of public.a",
    ),
    (
        "a second statement behind more than the parser takes",
        |plan| {
            let at = of(plan, "column public.a.more");
            let zeros = vec!["0"; 10_100].join(",");
            plan.steps[at].sql[0] = Sql::new(format!(
                "ALTER TABLE public.a ADD COLUMN more text DEFAULT ARRAY[{zeros}]::text || E'a'\n'\\' '; \
                 DROP TABLE public.victim -- '"
            ));
        },
        "is not one statement",
    ),
    (
        "another table's default in a function's step",
        |plan| {
            let at = of(plan, "function public.f()");
            plan.steps[at].sql.push(Sql::new("ALTER TABLE public.victim ALTER COLUMN id SET DEFAULT 1"));
        },
        "is about `ALTER COLUMN id SET DEFAULT 1` of public.victim",
    ),
    (
        "another table's type in a column's step",
        |plan| {
            let at = of(plan, "column public.a.more");
            let retype = "ALTER TABLE public.victim ALTER COLUMN id TYPE smallint USING id::smallint";
            plan.steps[at].sql.push(Sql::new(retype));
        },
        "is about `ALTER COLUMN id TYPE smallint USING id::smallint` of public.victim",
    ),
    (
        "a function of a recipe with the rights of who applies",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].sql.push(Sql::new(
                "CREATE FUNCTION trueup.value_1() RETURNS pg_catalog.trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS \
                 $$BEGIN IF public.f() = 1 THEN RETURN NEW; END IF; RETURN NEW; END$$",
            ));
        },
        "has the rights of its owner, and is not given to the table's",
    ),
    (
        "another table's trigger in a column's step",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].sql.push(Sql::new(
                "CREATE OR REPLACE TRIGGER guard BEFORE UPDATE OF id ON public.victim FOR EACH ROW EXECUTE FUNCTION public.f()",
            ));
        },
        "is about trigger public.victim.guard",
    ),
    (
        "no limit to how long it waits for a lock",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].timeouts.lock_ms = 0;
        },
        "waits or runs longer than its operation may",
    ),
    (
        "a statement about another object",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].sql.push(Sql::new("DROP TABLE public.victim"));
        },
        "`DROP TABLE public.victim` is about table public.victim, and the step about column public.a.more",
    ),
    (
        "another object on the way back",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].undo.sql.push(Sql::new("DROP TABLE public.victim"));
        },
        "on the way back `DROP TABLE public.victim` is about table public.victim",
    ),
    (
        "a role in a function's step",
        |plan| {
            let at = of(plan, "function public.f()");
            plan.steps[at].sql.push(Sql::new("ALTER ROLE nobody SUPERUSER"));
        },
        "`ALTER ROLE nobody SUPERUSER` is nothing that trueup writes",
    ),
    (
        "a block",
        |plan| {
            let at = of(plan, "function public.f()");
            plan.steps[at].sql.push(Sql::new("DO $$BEGIN DELETE FROM public.victim; END$$"));
        },
        "is nothing that trueup writes",
    ),
    (
        "a block in quotes that are read otherwise",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].sql.push(Sql::new(
                "DO 'BEGIN IF EXISTS ( SELECT 1 WHERE ''x'' = ''$a$'' ) THEN END IF; DROP TABLE public.victim; \
                 IF EXISTS (SELECT 1 WHERE ''x'' = '' $a$ '') THEN RAISE EXCEPTION USING MESSAGE = $b$x$b$; END IF; END'",
            ));
        },
        "is nothing that trueup writes",
    ),
    (
        "a block that executes",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].sql.push(Sql::new(
                "DO $$DECLARE spare pg_catalog.name; BEGIN FOR spare IN SELECT conname FROM pg_catalog.pg_constraint \
                 WHERE conrelid OPERATOR(pg_catalog.=) 'public.a'::pg_catalog.regclass \
                 AND contype OPERATOR(pg_catalog.=) 'c' AND conislocal AND coninhcount OPERATOR(pg_catalog.=) 0 \
                 AND conname OPERATOR(pg_catalog.<>) ALL (ARRAY['x']::pg_catalog.name[]) \
                 LOOP execute pg_catalog.format('DROP TABLE public.victim; --%s %I', 'x', spare); END LOOP; END$$",
            ));
        },
        "is nothing that trueup writes",
    ),
    (
        "a block that calls",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].sql.push(Sql::new(
                "DO $$BEGIN IF EXISTS (SELECT 1 WHERE public.f() IS NULL) THEN \
                 RAISE EXCEPTION USING MESSAGE = 'x'; END IF; END$$",
            ));
        },
        "is nothing that trueup writes",
    ),
    (
        "one thing that becomes another",
        |plan| {
            let at = of(plan, "function public.f()");
            plan.steps[at].sql = vec![Sql::new("ALTER FUNCTION public.g() RENAME TO f")];
        },
        "is about function public.g",
    ),
    (
        "a schema that is exchanged",
        |plan| {
            let at = of(plan, "function public.f()");
            let exchange = ["ALTER SCHEMA s RENAME TO s2", "CREATE SCHEMA s", "DROP SCHEMA s2"];
            plan.steps[at].sql.extend(exchange.map(Sql::new));
        },
        "is about schema",
    ),
    (
        "a function with side effects",
        |plan| {
            let at = of(plan, "function public.f()");
            plan.steps[at].sql.push(Sql::new("SELECT public.f()"));
        },
        "`SELECT public.f()` is nothing that trueup writes",
    ),
    (
        "a hazard cut out",
        |plan| {
            let at = of(plan, "column public.a.gone");
            plan.steps[at].hazards.clear();
        },
        "the hazard DATA_LOSS is left out",
    ),
    (
        "a drop that is called a replacement",
        |plan| {
            let at = of(plan, "column public.a.gone");
            plan.steps[at].action = Verb::Replace;
            plan.steps[at].hazards.clear();
        },
        "the hazard DATA_LOSS is left out",
    ),
    (
        "a hazard made less",
        |plan| {
            let at = of(plan, "column public.a.gone");
            plan.steps[at].hazards.iter_mut().for_each(|hazard| hazard.level = Level::Notice);
        },
        "is a danger",
    ),
    (
        "another phase",
        |plan| {
            for step in &mut plan.steps {
                step.phase = Phase::Expand;
            }
            plan.checkpoints = Checkpoints::of(&plan.footprint, &plan.phases());
        },
        "column public.a.gone goes in contract, and not in expand",
    ),
];

/// What is seen when it is rehearsed again.
const REHEARSED: &[Forgery] = &[
    (
        "a hazard that only the catalogs show",
        |plan| {
            let at = of(plan, "constraint public.victim.positive");
            plan.steps[at].hazards.retain(|hazard| hazard.code != "CONSTRAINS_OLD_CODE");
        },
        "CONSTRAINS_OLD_CODE is left out",
    ),
    (
        "locks that are not said",
        |plan| {
            let at = of(plan, "column public.a.more");
            plan.steps[at].seen.locks.clear();
        },
        "the locks are not what the plan says",
    ),
    (
        "another body under the old fingerprint",
        |plan| {
            let at = of(plan, "function public.f()");
            let sql = plan.steps[at].sql[0].as_str().replace("SELECT 2", "SELECT 666");
            plan.steps[at].sql[0] = Sql::new(sql);
        },
        "function public.f() is not what the plan says",
    ),
];

async fn forged_plans_are_refused(major: u16) {
    let server = oracle::server_of(Some(major));
    let database = Database::with_on(server, LIVE).await.unwrap();
    database.plan(WANTED).await;
    rules(&database, "required_danger = 2");
    database.trueup(&["protect"]).await.ended(0).unwrap();
    let honest = PlanFile::open(&database.path("plan")).unwrap().plan;
    for (what, forge, message) in READ {
        let mut plan = honest.clone();
        forge(&mut plan);
        assert_ne!(plan, honest, "{what}");
        write(&database, "plan", &plan);
        let approve: &[&str] = &["approve", "plan", "--as", "alice", "--phase", "all", "--accept", "all"];
        let commands: [&[&str]; 6] = [
            &["show", "plan"],
            approve,
            &["verify", "plan"],
            &["preflight", "plan"],
            &["apply", "plan", "--phase", "all"],
            &["rollback", "plan"],
        ];
        for command in commands {
            database.trueup(command).await.fails(3, message);
        }
    }
    for (what, forge, message) in REHEARSED {
        let mut plan = honest.clone();
        forge(&mut plan);
        assert_ne!(plan, honest, "{what}");
        write(&database, "plan", &plan);
        database.trueup(&["verify", "plan", "--rehearse"]).await.fails(3, message);
    }
    assert_eq!(database.ask("SELECT count(*)::text FROM victim").await, "1");
    write(&database, "plan", &honest);
    let verify: &[&str] = &[
        "verify",
        "plan",
        "--phase",
        "all",
        "--rehearse",
        "--reproduce",
        "--manage",
        "all",
        "--schema",
        "desired.sql",
    ];
    for name in ["alice", "bob"] {
        approve(&database, name, &["--phase", "all", "--accept", "all"]).await;
    }
    database.trueup(verify).await.ended(0).unwrap();
    // however much there is by then
    database.execute("INSERT INTO a SELECT n, n FROM generate_series(1, 5000) n; ANALYZE a").await;
    let said = database.trueup(verify).await.ended(0).unwrap();
    assert!(said.stdout.contains("planning again gives this plan"), "{}", said.shown());
    // a plan that is good, from a schema that is not the one that was reviewed
    database.write("evil.sql", &WANTED.replace("SELECT 2", "SELECT 666"));
    let plan = ["plan", "--schema", "evil.sql", "--out", "evil", "--manage", "all"];
    database.trueup(&plan).await.ended(0).unwrap();
    for name in ["alice", "bob"] {
        database
            .trueup(&["approve", "evil", "--as", name, "--phase", "all", "--accept", "all"])
            .await
            .ended(0)
            .unwrap();
    }
    database.trueup(&["verify", "evil", "--phase", "all", "--rehearse"]).await.ended(0).unwrap();
    let again = ["verify", "evil", "--reproduce", "--manage", "all", "--schema", "desired.sql"];
    let said = database.trueup(&again).await;
    said.fails(3, "planning again does not give this plan");
    assert!(said.stderr.contains("SELECT 666"), "{}", said.shown());
    database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
    database.trueup(verify).await.fails(3, "the plan has run");
    database.done().await;
}

#[test]
fn forged_plans_are_refused_on_15() {
    runtime().block_on(forged_plans_are_refused(15));
}

#[test]
fn forged_plans_are_refused_on_18() {
    runtime().block_on(forged_plans_are_refused(18));
}

/// The plan with another statement, by whoever writes it.
fn forge(database: &Database) {
    let mut plan = PlanFile::open(&database.path("plan")).unwrap().plan;
    let text = format::to_text(&plan).unwrap();
    let forged = text.replace("ADD COLUMN more text", "ADD COLUMN more varchar");
    assert_ne!(text, forged);
    plan = from_text(&database.path("plan/plan.toml"), &forged).unwrap();
    fs::remove_dir_all(database.path("plan")).unwrap();
    report::write_plan(&database.path("plan"), &plan).unwrap();
}

#[test]
fn a_plan_is_of_who_may_plan() {
    runtime().block_on(async {
        let policy = "planned_by = \"planners\"";
        let database = planned("").await;
        let folder = database.folder.path();
        let (ci, mallory) = (key(folder, "ci"), key(folder, "mallory"));
        database.write("planners", &format!("ci@example.com {ci}\n"));
        signers(&database, &format!("mallory {mallory}\n"));
        let signed_by = async |key: &'static str| {
            fs::remove_dir_all(database.path("plan")).unwrap();
            let plan = ["plan", "--schema", "desired.sql", "--out", "plan", "--manage", "all", "--sign", key];
            database.trueup(&plan).await
        };
        signed_by("nobody").await.fails(1, "ssh-keygen");
        rules(&database, policy);
        approve(&database, "alice", &[]).await;
        refused(&database, "the plan is by nobody whose plans count (`planned_by`): it is not signed").await;
        signed_by("mallory").await.ended(0).unwrap();
        approve(&database, "alice", &[]).await;
        refused(&database, "its key is nobody's").await;
        signed_by("ci").await.ended(0).unwrap();
        approve(&database, "alice", &[]).await;
        database.trueup(&["verify", "plan"]).await.ended(0).unwrap();
        // the signature of one plan is none of another
        let signature = fs::read(database.path("plan/plan.toml.sig")).unwrap();
        forge(&database);
        approve(&database, "alice", &[]).await;
        refused(&database, "it is not signed").await;
        fs::write(database.path("plan/plan.toml.sig"), &signature).unwrap();
        refused(&database, "the plan is by nobody whose plans count").await;
        // a policy that is pinned knows its keys itself
        database.trueup(&["protect"]).await.ended(0).unwrap();
        rules(&database, "");
        database.trueup(&["apply", "plan"]).await.fails(3, "the plan is by nobody whose plans count");
        signers(&database, &format!("ci@example.com {mallory}\n"));
        rules(&database, "planned_by = \"signers\"");
        database.trueup(&["protect"]).await.fails(3, "asks for less");
        rules(&database, policy);
        signed_by("ci").await.ended(0).unwrap();
        approve(&database, "alice", &[]).await;
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}
