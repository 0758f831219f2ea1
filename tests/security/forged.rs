//! Plans that somebody forged: hazards cut out, statements put in, and everything that can be made right made right. Where policy
//! says whose plans count, they do not.

use std::fs;

use trueup::{
    plan::{PlanFile, format, from_text},
    report,
};

use super::approvals::{approve, key, planned, refused, rules, signers};
use crate::oracle::{Database, runtime};

/// The plan with a statement more, without its hazards, by whoever writes it.
fn forge(database: &Database) {
    let mut plan = PlanFile::open(&database.path("plan")).unwrap().plan;
    let text = format::to_text(&plan).unwrap();
    let forged = text.replace(
        "ALTER TABLE public.a ADD COLUMN",
        "ALTER ROLE postgres SUPERUSER; ALTER TABLE public.a ADD COLUMN",
    );
    assert_ne!(text, forged);
    plan = from_text(&database.path("plan/plan.toml"), &forged).unwrap();
    for step in &mut plan.steps {
        step.hazards.clear();
    }
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
