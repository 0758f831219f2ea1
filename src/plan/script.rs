//! A plan's phases as scripts: what psql runs in place of `trueup apply` and `trueup rollback`.
//!
//! ```text
//! up-expand.sql  up-contract.sql  rollback-contract.sql  rollback-expand.sql
//! ```
//!
//! A script does with a phase's statements what `run` does with them: the same batches, in the same order, under the same
//! settings; and it writes into the journal what `journal` writes, in the same transactions. So a script that was interrupted
//! goes on where it stopped when it is run again, and `trueup` goes on from it as from a run of its own. It cannot check
//! approvals, nor prove the end; its head says so, and its runs stand in the journal as psql's.
//!
//! What PostgreSQL gets is what plan.toml says, byte for byte. A statement that psql would read in another way than
//! PostgreSQL (`:name`, a semicolon within), or that has characters which deceive the eye, stands as a string, in which such
//! characters are escaped, and goes by `\gexec`. Everything else that comes from the plan is a literal or a comment.
//!
//! What a script says depends on the plan alone, so that [`super::folder`] can render it again. Who changes what is rendered
//! raises `RENDERING`, and keeps reading folders that have the earlier one, as `reading` does.

mod journal;
mod line;
mod statements;

use std::collections::BTreeSet;

use super::{Batch, Digest, FootprintEntry, Item, Plan, PlannedStep};
use crate::{
    hazard::Level,
    journal_sql,
    name::{Kind, ObjectId},
    postgres::{names, pinned},
    source::placeholder,
    sql,
    step::{Operation, Phase},
    visible::visible_line,
};
use line::{fill, push, value};

/// The number of this rendering.
const RENDERING: u32 = 1;

/// What a plan's scripts are called.
pub const NAMES: [&str; 4] =
    ["up-expand.sql", "up-contract.sql", "rollback-contract.sql", "rollback-expand.sql"];

/// The scripts of a plan whose plan.toml is this text: two for each phase that has steps.
pub fn all(plan: &Plan, digest: &Digest, text: &str) -> Vec<(&'static str, String)> {
    let ways =
        [(Phase::Expand, false), (Phase::Contract, false), (Phase::Contract, true), (Phase::Expand, true)];
    let phases = plan.phases();
    let named = NAMES.into_iter().zip(ways).filter(|(_, (phase, _))| phases.contains(phase));
    named
        .map(|(name, (phase, back))| (name, Script::new(plan, digest, text, phase, back).render(name)))
        .collect()
}

/// One script.
struct Script<'a> {
    plan: &'a Plan,
    digest: &'a Digest,
    text: &'a str,
    phase: Phase,
    back: bool,
    batches: Vec<Batch>,
}

impl<'a> Script<'a> {
    fn new(plan: &'a Plan, digest: &'a Digest, text: &'a str, phase: Phase, back: bool) -> Self {
        let steps: Vec<&PlannedStep> = plan.steps.iter().filter(|step| step.phase == phase).collect();
        let batches = if back { Batch::backward(&steps) } else { Batch::forward(&steps) };
        Self { plan, digest, text, phase, back, batches }
    }

    fn render(&self, name: &str) -> String {
        let mut script = self.head(name);
        let settings: Vec<String> =
            pinned::pinned(pinned::Place::Target).split("; ").map(|set| format!("{set};")).collect();
        script += &fill(include_str!("script/settings.sql"), &[("settings", &settings.join("\n"))]);
        script += &self.check();
        script += &self.routines();
        script += &self.settle();
        script += &self.begin();
        push(&mut script, &format!("\n-- ==== {} ====", self.title_of_statements()));
        for batch in &self.batches {
            statements::batch(&mut script, batch);
        }
        script += &self.end();
        script
    }

    /// The command that does the same, and more.
    fn command(&self) -> &'static str {
        if self.back { "trueup rollback" } else { "trueup apply" }
    }

    fn title_of_statements(&self) -> String {
        let phase = self.phase.label();
        if self.back { format!("rollback of {phase}") } else { phase.to_owned() }
    }

    fn is_first(&self) -> bool {
        self.plan.phases().first() == Some(&self.phase)
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.batches.iter().flat_map(|batch| &batch.items)
    }

    fn steps_of(&self, phases: impl Fn(Phase) -> bool) -> String {
        let steps = self.plan.steps.iter().filter(|step| phases(step.phase)).map(|step| step.id);
        array(steps)
    }

    fn head(&self, name: &str) -> String {
        let (phase, command) = (self.phase.label(), self.command());
        let does = if self.back { "undoes" } else { "applies" };
        let contents = fill(
            include_str!("script/head.sql"),
            &[
                ("file", name),
                ("does", does),
                ("phase", phase),
                ("plan", &visible_line(&self.plan.name)),
                ("digest", self.digest.as_str()),
                ("rendering", &RENDERING.to_string()),
                ("command", command),
                ("title", &self.title_of_statements()),
            ],
        );
        let mut head = contents;
        for old in self.plan.old_names.iter().filter(|_| self.phase == Phase::Contract && !self.back) {
            let line =
                format!("-- Nor whether code still writes by the old name {} of {}.", old.old, old.column);
            push(&mut head, &visible_line(&line));
        }
        for step in self.plan.steps.iter().filter(|step| step.phase == self.phase) {
            let hazards = if self.back { &step.undo.hazards } else { &step.hazards };
            for hazard in hazards.iter().filter(|hazard| hazard.level == Level::Danger) {
                push(&mut head, &visible_line(&format!("-- danger {}: {}", hazard.code, hazard.message)));
            }
        }
        if self.items().any(|item| matches!(item.action.operation, Operation::Attach { .. })) {
            push(&mut head, "-- Bounds of partitions are computed with the rights of the role that runs it.");
        }
        push(&mut head, "");
        head
    }

    /// Refuses where it must not run.
    fn check(&self) -> String {
        let phase = self.phase.label();
        let state =
            if self.back { include_str!("script/rollback.sql") } else { include_str!("script/up.sql") };
        let done = self.done();
        let earlier = Phase::ALL
            .into_iter()
            .rfind(|earlier| *earlier < self.phase && self.plan.phases().contains(earlier));
        let first = match earlier {
            Some(earlier) if !self.back => fill(
                include_str!("script/earlier.sql"),
                &[("steps", &self.steps_of(|phase| phase == earlier)), ("phase", earlier.label())],
            ),
            _ => String::new(),
        };
        let state = fill(
            state,
            &[
                ("later", &self.steps_of(|later| later > self.phase)),
                ("phase", phase),
                ("digest", self.digest.as_str()),
                ("first", &first),
            ],
        );
        let otherwise = format!(
            "ELSE\n        RAISE EXCEPTION 'trueup: database % has no journal: {phase} of this plan {}', pg_catalog.current_database();\n    ",
            if self.back { "is not applied there" } else { "comes after expand, which is not applied there" }
        );
        let begins = self.is_first() && !self.back;
        let own: Vec<String> = journal_sql::tables().into_iter().map(str::to_owned).collect();
        fill(
            include_str!("script/check.sql"),
            &[
                ("steps", &self.steps_of(|phase| phase == self.phase)),
                ("secrets", &self.secrets()),
                ("major", &(self.plan.server_version / 10_000).to_string()),
                ("role", &self.role()),
                ("command", self.command()),
                ("lock", &journal_sql::LOCK_KEY.to_string()),
                ("tables", &array(own)),
                ("layout", &journal_sql::LAYOUT.to_string()),
                ("digest", self.digest.as_str()),
                ("done", &done),
                ("state", &state),
                ("else", if begins { "" } else { &otherwise }),
                ("names", &if begins { self.names() } else { String::new() }),
                ("kept", &self.kept()),
                ("coded", &self.coded()),
                ("schemas", names::SCHEMAS),
                ("events", names::EVENTS.trim_start_matches("SELECT ")),
            ],
        )
    }

    /// Stops a script whose statements have placeholders.
    fn secrets(&self) -> String {
        let statements = self.items().flat_map(|item| &item.action.sql);
        let secrets: BTreeSet<String> = statements.flat_map(|sql| placeholder::names(sql.as_str())).collect();
        let Some(secret) = secrets.first() else { return String::new() };
        let message = format!(
            "trueup: a statement needs the secret {secret}, which no script has: run `{}`",
            self.command()
        );
        format!("    RAISE EXCEPTION USING MESSAGE = {};\n", value(&message))
    }

    /// RESET ROLE, which grants of other roles end with, goes back to the role that connected.
    fn role(&self) -> String {
        let mut statements = self.items().flat_map(|item| &item.action.sql);
        if !statements.any(|sql| sql.as_str() == "RESET ROLE") {
            return String::new();
        }
        "    IF pg_catalog.current_setting('role') <> 'none' THEN\n        \
         RAISE EXCEPTION 'trueup: the script has RESET ROLE: connect as role %, without SET ROLE', current_user;\n    \
         END IF;\n"
            .to_owned()
    }

    /// Refuses a database in which relations and columns are not there, or there already. A name that something else has at first,
    /// which gives it up, is nobody's sign.
    fn names(&self) -> String {
        let there: Vec<&ObjectId> = self
            .plan
            .footprint
            .iter()
            .filter(|entry| entry.base.is_some())
            .map(|entry| &entry.object)
            .collect();
        let is_taken = |id: &ObjectId| {
            let same = |other: &&&ObjectId| other.path.part(0) == id.path.part(0);
            let mut others = there.iter().filter(same);
            if id.kind == Kind::Column {
                let relation = id.path.parts().get(..2);
                others.any(|other| other.kind != Kind::Table && Some(other.path.parts()) == relation)
            } else {
                others.any(|other| other.path.last() == id.path.last())
            }
        };
        let line = |entry: &FootprintEntry| {
            let id = &entry.object;
            let (relation, attribute) = match id.kind {
                Kind::Table | Kind::View | Kind::MaterializedView | Kind::Sequence | Kind::Index => {
                    (sql::qualified(id.path.parts()), "NULL".to_owned())
                }
                Kind::Column => (id.relation_sql(), value(id.path.last())),
                _ => return None,
            };
            let changed = entry.base.is_some() || !entry.after.is_empty() && !is_taken(id);
            (changed && !entry.independent).then(|| {
                format!(
                    "            ({}, {}, {}, {attribute}::pg_catalog.name)",
                    value(&id.to_string()),
                    entry.base.is_some(),
                    value(&relation)
                )
            })
        };
        let lines: Vec<String> = self.plan.footprint.iter().filter_map(line).collect();
        if lines.is_empty() {
            return String::new();
        }
        fill(include_str!("script/before.sql"), &[("names", &lines.join(",\n"))])
    }

    /// Refuses where something that the statements make anew belongs to another role.
    fn kept(&self) -> String {
        if self.plan.owners {
            return String::new();
        }
        let objects: BTreeSet<String> = self.items().filter_map(|item| owner_of(&item.object)).collect();
        refusal(
            &objects,
            "-- what is made anew belongs to the role that makes it",
            "it.owner <> (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)",
            "and would from then on belong to role",
            "current_user",
            &format!("run the script as its owner, or `{}`", self.command()),
        )
    }

    /// Refuses where the statements run code of a role that cannot act as the one that connected.
    fn coded(&self) -> String {
        let mut objects = BTreeSet::new();
        for item in self.items() {
            let mut of = |id: &ObjectId| objects.extend(owner_of(id));
            item.action.code.values().for_each(&mut of);
            if !item.action.operation.runs_code() {
                continue;
            }
            match (&item.action.operation, item.object.kind) {
                (Operation::Attach { parents }, _) => parents.iter().for_each(&mut of),
                (Operation::Backfill(backfill), _) => _ = objects.insert(owner_of_relation(&backfill.table)),
                (_, Kind::Domain | Kind::DomainConstraint) => {
                    of(&ObjectId::new(
                        Kind::Domain,
                        item.object.path.parts().get(..2).unwrap_or_default().to_vec(),
                    ));
                }
                _ => _ = objects.insert(owner_of_relation(&item.object.relation_sql())),
            }
        }
        refusal(
            &objects,
            "-- triggers, defaults and checks are code of the owner, which would have the rights of the role that connected",
            "NOT pg_catalog.pg_has_role(it.owner, session_user, CASE WHEN version >= 160000 THEN 'SET' ELSE 'MEMBER' END)",
            "whose code would run with the rights of role",
            "session_user",
            &format!("connect as its owner, or run `{}`", self.command()),
        )
    }
}

/// A row that names an object and asks whose it is, where it is one that has an owner of its own.
fn owner_of(id: &ObjectId) -> Option<String> {
    let name = value(&id.sql());
    match id.kind {
        Kind::Table | Kind::View | Kind::MaterializedView | Kind::Sequence => {
            Some(owner_of_relation(&id.sql()))
        }
        Kind::Enum | Kind::Domain | Kind::Composite | Kind::Range => Some(format!(
            "({name}, (SELECT o.typowner FROM pg_catalog.pg_type o WHERE o.oid = pg_catalog.to_regtype({name})))"
        )),
        // a cast of its name would fail where a type of its arguments is not there yet
        Kind::Function | Kind::Aggregate => {
            let [schema, own, arguments] = [0, 1, 2].map(|at| value(id.path.part(at)));
            Some(format!(
                "({name}, (SELECT o.proowner FROM pg_catalog.pg_proc o JOIN pg_catalog.pg_namespace n ON n.oid = o.pronamespace \
                 WHERE n.nspname = {schema} AND o.proname = {own} AND {arguments} = (SELECT COALESCE(pg_catalog.string_agg(\
                 pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.at), '') \
                 FROM pg_catalog.unnest(o.proargtypes) WITH ORDINALITY AS a (type, at))))"
            ))
        }
        _ => None,
    }
}

fn owner_of_relation(name: &str) -> String {
    let name = value(name);
    format!(
        "({name}, (SELECT o.relowner FROM pg_catalog.pg_class o WHERE o.oid = pg_catalog.to_regclass({name})))"
    )
}

/// What refuses objects of some roles.
fn refusal(
    objects: &BTreeSet<String>,
    why: &str,
    unless: &str,
    what: &str,
    who: &str,
    advice: &str,
) -> String {
    if objects.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = objects.iter().map(|row| format!("        {row}")).collect();
    let values = [
        ("why", why),
        ("objects", &rows.join(",\n")),
        ("unless", unless),
        ("what", what),
        ("who", who),
        ("advice", advice),
    ];
    fill(include_str!("script/owner.sql"), &values)
}

/// An array as PostgreSQL reads it, of what needs no quotes.
fn array<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    format!("{{{}}}", values.join(","))
}
