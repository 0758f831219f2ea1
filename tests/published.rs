//! What subscribers of a published table need before a plan runs, SUBSCRIBERS_FIRST says of the steps that bring it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup::{plan::PlanFile, step::Phase};

use crate::oracle::{Database, runtime, server_of};

#[test]
fn steps_that_subscribers_must_take_first_say_so() {
    runtime().block_on(async {
        let publications = "CREATE PUBLICATION ships FOR TABLE ship; CREATE PUBLICATION \"Ports\" FOR TABLE port (id);
             CREATE PUBLICATION whole FOR TABLES IN SCHEMA app;";
        let before = format!(
            "CREATE SCHEMA app; CREATE TABLE app.crew (id int PRIMARY KEY, note text);
             CREATE TABLE ship (id int PRIMARY KEY, name text, tons int);
             CREATE TABLE port (id int PRIMARY KEY, name text); CREATE TABLE quay (id int PRIMARY KEY); {publications}"
        );
        let after = format!(
            "CREATE SCHEMA app; CREATE TABLE app.crew (id int PRIMARY KEY, remark text /* @renamed from=note instant */);
             CREATE TABLE ship (id int PRIMARY KEY, full_name text /* @renamed from=name online */, tons bigint, flag text,
                                twice bigint GENERATED ALWAYS AS (id * 2) STORED);
             CREATE TABLE port (id int PRIMARY KEY, name text, zone text);
             CREATE TABLE quay (id int PRIMARY KEY, zone text); {publications}"
        );
        let database = Database::with_on(server_of(Some(18)), &before).await.unwrap();
        database.plan_approved(&after).await;
        let plan = PlanFile::open(&database.path("plan")).unwrap().plan;
        let warned = plan.steps.iter().flat_map(|step| {
            let said = step.hazards.iter().filter(|hazard| hazard.code == "SUBSCRIBERS_FIRST");
            said.map(|hazard| format!("{} {}", step.phase.label(), hazard.message))
        });
        let mut warned: Vec<String> = warned.collect();
        warned.sort();
        let need = |phase: Phase, column: &str, by: &str| {
            format!("{} column {column} is published by {by}: its subscribers need it first", phase.label())
        };
        assert_eq!(
            warned,
            [
                need(Phase::Expand, "app.crew.remark", "whole"),
                need(Phase::Expand, "public.ship.flag", "ships"),
                need(Phase::Expand, "public.ship.full_name", "ships"),
                need(Phase::Expand, "public.ship.tons", "ships"),
            ]
        );
        database.done().await;
    });
}
