//! What PREPARED_STAR says happens to statements that were prepared before the columns of their table change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup::plan::{PlanFile, PlannedStep};

use crate::oracle::{Database, runtime, words};

#[test]
fn a_prepared_star_fails_once_as_the_plan_says() {
    runtime().block_on(async {
        let database = Database::with("CREATE TABLE ship (id int, old int); INSERT INTO ship VALUES (1, 2); CREATE VIEW ships AS SELECT 1 AS one;")
            .await
            .unwrap();
        database.plan_approved("CREATE TABLE ship (id bigint, more text); CREATE VIEW ships AS SELECT 1 AS one, 2 AS two;").await;
        let plan = PlanFile::open(&database.path("plan")).unwrap().plan;
        let warns = |step: &&PlannedStep| step.hazards.iter().any(|hazard| hazard.code == "PREPARED_STAR");
        let warned: Vec<&str> = plan.steps.iter().filter(warns).map(|step| step.summary.as_str()).collect();
        assert_eq!(warned.len(), 4, "a column comes, one goes, one gets another type, a view gets one: {warned:?}");

        let session = database.session().await;
        let star = session.client().prepare("SELECT * FROM ship").await.unwrap();
        let star_of_view = session.client().prepare("SELECT * FROM ships").await.unwrap();
        let named = session.client().prepare("SELECT count(id) FROM ship").await.unwrap();
        session.client().query(&star, &[]).await.unwrap();
        session.client().query(&star_of_view, &[]).await.unwrap();
        session.client().query(&named, &[]).await.unwrap();
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        for star in [&star, &star_of_view] {
            let error = session.client().query(star, &[]).await.unwrap_err();
            assert!(words(&error).contains("cached plan must not change result type"), "{}", words(&error));
        }
        session.client().query(&named, &[]).await.unwrap();
        let again = session.client().prepare("SELECT * FROM ship").await.unwrap();
        assert_eq!(session.client().query(&again, &[]).await.unwrap().len(), 1);
        session.close().await;
        database.done().await;
    });
}
