//! The journal as evidence: one chain of entries with whole approvals. What is changed in it by hand is found, in the database
//! and in an export without one.

use super::approvals::{approve, key, planned, signers};
use crate::oracle::{self, Database, runtime};

#[test]
fn what_is_changed_in_the_journal_is_found() {
    runtime().block_on(async {
        let database = planned("signed = true\nallowed_signers = \"signers\"").await;
        let folder = database.folder.path();
        let (alice, bob) = (key(folder, "alice"), key(folder, "bob"));
        signers(&database, &format!("alice {alice}\nbob {bob}\n"));
        let verify = ["history", "--verify"];
        let none = database.trueup(&verify).await.ended(0).unwrap();
        assert!(none.stdout.starts_with("0 entries"), "{}", none.shown());
        approve(&database, "alice", &["--sign", "alice"]).await;
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        let export = ["history", "--export", "jsonl"];
        let earlier = database.trueup(&export).await.ended(0).unwrap().stdout;
        database.write("earlier.jsonl", &earlier);
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        let good = database.trueup(&["history", "--verify", "--extends", "earlier.jsonl"]).await.ended(0).unwrap();
        assert!(good.stdout.contains("2 approvals with a good signature"), "{}", good.shown());
        let text = database.trueup(&export).await.ended(0).unwrap().stdout;
        assert!(text.starts_with(earlier.trim_end()), "an export goes on from an earlier one");

        // offline, with nothing but the files
        database.write("now.jsonl", &text);
        let offline = |file: &'static str| {
            let mut command = database.command(&["history", "--verify", file, "--extends", "earlier.jsonl"]);
            for name in ["DATABASE_URL", "PGHOST", "PGDATABASE", "PGPORT", "PGUSER"] {
                command.env_remove(name);
            }
            oracle::finish(command, &[])
        };
        offline("now.jsonl").await.ended(0).unwrap();
        for (from, to, why) in [
            ("\"direction\":\"rollback\"", "\"direction\":\"apply\"", "was changed after it was written"),
            ("alice", "bob", "was changed after it was written"),
        ] {
            database.write("changed.jsonl", &text.replace(from, to));
            offline("changed.jsonl").await.fails_with_output(3, why);
        }
        let shorter: Vec<&str> = text.lines().enumerate().filter(|(at, _)| *at != 2).map(|(_, line)| line).collect();
        database.write("shorter.jsonl", &shorter.join("\n"));
        offline("shorter.jsonl").await.fails_with_output(3, "entry 4 comes where 3 should");
        database.write("last.jsonl", &text.lines().take(2).collect::<Vec<_>>().join("\n"));
        offline("last.jsonl").await.fails_with_output(3, "entry 3 of the earlier export is not here");
        database.write("none.jsonl", "{}\n");
        offline("none.jsonl").await.fails(1, "none.jsonl:1: this is no entry");
        // by other keys than those that signed
        signers(&database, &format!("alice {bob}\n"));
        offline("now.jsonl").await.fails_with_output(3, "the signature of alice is not good");
        signers(&database, &format!("alice {alice}\n"));

        // in the database, one after the other
        for (sql, undo, why) in [
            (
                "UPDATE trueup.entry SET body = replace(body, 'done', 'gone') WHERE kind = 'end' AND id < 9",
                "UPDATE trueup.entry SET body = replace(body, 'gone', 'done') WHERE kind = 'end' AND id < 9",
                "was changed after it was written",
            ),
            (
                "UPDATE trueup.run SET outcome = 'stopped' WHERE id = 1",
                "UPDATE trueup.run SET outcome = 'done' WHERE id = 1",
                "run 1 in the journal's tables is not what entry 1 and those after it say",
            ),
            (
                "UPDATE trueup.run SET glass = 'bob' WHERE id = 1",
                "UPDATE trueup.run SET glass = NULL WHERE id = 1",
                "run 1 in the journal's tables is not what entry 1",
            ),
            (
                "UPDATE trueup.run SET role = 'somebody' WHERE id = 1",
                "UPDATE trueup.run SET role = (SELECT role FROM trueup.entry WHERE id = 1) WHERE id = 1",
                "run 1 in the journal's tables is not what entry 1",
            ),
            (
                "UPDATE trueup.approval SET approver = 'bob' WHERE run = 1",
                "UPDATE trueup.approval SET approver = 'alice' WHERE run = 1",
                "run 1 in the journal's tables is not what entry 1",
            ),
            (
                "UPDATE trueup.step SET outcome = 'not done' WHERE run = 1",
                "UPDATE trueup.step SET outcome = 'done' WHERE run = 1",
                "run 1 in the journal's tables is not what entry 1",
            ),
            (
                "INSERT INTO trueup.run (id, plan, name, phase, direction, schemas, tool) OVERRIDING SYSTEM VALUE \
                 SELECT -1, plan, name, phase, direction, schemas, tool FROM trueup.run WHERE id = 1",
                "DELETE FROM trueup.run WHERE id = -1",
                "run -1 in trueup.run has no entry",
            ),
            (
                "UPDATE trueup.entry SET body = body || ' ' WHERE id = 2",
                "UPDATE trueup.entry SET body = left(body, -1) WHERE id = 2",
                "entry 2 was changed after it was written",
            ),
            (
                "CREATE TABLE kept AS SELECT written FROM trueup.entry WHERE id = 2; \
                 UPDATE trueup.entry SET written = 'infinity' WHERE id = 2",
                "UPDATE trueup.entry SET written = (SELECT written FROM kept) WHERE id = 2; DROP TABLE kept",
                "entry 2 was changed after it was written",
            ),
            // nor is there less of it for who says that the journal is older
            (
                "UPDATE trueup.layout SET version = 8; UPDATE trueup.run SET outcome = 'stopped' WHERE id = 1",
                "UPDATE trueup.layout SET version = 9; UPDATE trueup.run SET outcome = 'done' WHERE id = 1",
                "run 1 in the journal's tables is not what entry 1",
            ),
            (
                "DELETE FROM trueup.layout; UPDATE trueup.run SET outcome = 'stopped' WHERE id = 1",
                "INSERT INTO trueup.layout VALUES (9); UPDATE trueup.run SET outcome = 'done' WHERE id = 1",
                "run 1 in the journal's tables is not what entry 1",
            ),
            (
                "UPDATE trueup.plan SET body = body || ' '",
                "UPDATE trueup.plan SET body = left(body, -1)",
                "in trueup.plan is not what has that digest",
            ),
        ] {
            database.execute(sql).await;
            database.trueup(&verify).await.fails_with_output(3, why);
            database.execute(undo).await;
            database.trueup(&verify).await.ended(0).unwrap_or_else(|what| panic!("{undo}: {what}"));
        }
        // a second beginning of the same run, in a chain that is whole
        let again = "WITH first AS (SELECT * FROM trueup.entry WHERE id = 1), \
                          last AS (SELECT * FROM trueup.entry ORDER BY id DESC LIMIT 1) \
                     INSERT INTO trueup.entry SELECT last.id + 1, first.written, first.kind, first.body, first.role, last.hash, \
                         encode(sha256(convert_to(concat_ws(E'\\n', last.hash, last.id + 1, \
                             to_char(first.written AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
                             first.kind, first.body, first.role), 'UTF8')), 'hex') FROM first, last";
        database.execute(again).await;
        database.trueup(&verify).await.fails_with_output(3, "run 1 begins twice");
        database.execute("DELETE FROM trueup.entry WHERE id = (SELECT max(id) FROM trueup.entry)").await;
        database.trueup(&verify).await.ended(0).unwrap();
        // all of it written anew, as its owner can: the earlier export knows better
        let sql = "UPDATE trueup.entry SET role = 'somebody' WHERE id = 1; \
                   UPDATE trueup.run SET role = 'somebody' WHERE id = 1";
        database.execute(sql).await;
        let rehash = "DO $$ DECLARE e record; p text := repeat('0', 64); BEGIN \
             FOR e IN SELECT * FROM trueup.entry ORDER BY id LOOP \
                 UPDATE trueup.entry SET previous = p, hash = encode(sha256(convert_to(concat_ws(E'\\n', p, id, \
                     to_char(written AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), kind, body, role), 'UTF8')), 'hex') \
                  WHERE id = e.id RETURNING hash INTO p; \
             END LOOP; END $$";
        database.execute(rehash).await;
        database.trueup(&verify).await.ended(0).unwrap();
        let anew = ["history", "--verify", "--extends", "earlier.jsonl"];
        database.trueup(&anew).await.fails_with_output(3, "entry 1 of the earlier export is not here");
        database.done().await;
    });
}

/// Who may add entries may leave a transaction open that has added one: whoever writes next does not wait for ever.
#[test]
fn nobody_holds_the_journal_for_ever() {
    runtime().block_on(async {
        let database = planned("").await;
        approve(&database, "alice", &[]).await;
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        let other = database.session().await;
        let held = "BEGIN; INSERT INTO trueup.entry \
                    SELECT (jsonb_populate_record(e, jsonb_build_object('id', e.id + 1))).* \
                    FROM trueup.entry e ORDER BY id DESC LIMIT 1";
        other.client().batch_execute(held).await.unwrap();
        let before = database.dump().await;
        let refused = database.trueup(&["rollback", "plan"]).await;
        refused.fails(1, "error: the journal is held by another transaction: ");
        database.dump().await.must_equal(&before, "nothing is rolled back").await.unwrap();
        other.client().batch_execute("ROLLBACK").await.unwrap();
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
    });
}

/// Names of roles, schemas and plans come from the database and the branch, and pages go into pull requests.
#[test]
fn a_page_of_what_was_done_mentions_nobody() {
    runtime().block_on(async {
        let database =
            Database::with("CREATE SCHEMA \"@bob\"; CREATE TABLE \"@bob\".t (id int);").await.unwrap();
        let name = database.target.database().to_owned();
        let role = format!("@alice <b> | ` https://x.example {name}");
        database.execute(&format!("CREATE ROLE {} LOGIN SUPERUSER", trueup::sql::ident(&role))).await;
        let url = oracle::url(&database.target.with_user("role_that_is_not_there", None));
        let encoded: String = role.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let url = url.replace("role_that_is_not_there", &encoded);
        let page = async |arguments: &[&str]| {
            let all = [arguments, &["--format", "markdown", "--url", &url]].concat();
            database.trueup(&all).await.ended(0).unwrap().stdout
        };
        let adopted = page(&["adopt"]).await;
        assert!(adopted.starts_with("```text\n") && adopted.ends_with("\n```\n"), "{adopted}");
        let history = page(&["history"]).await;
        assert!(history.contains("@<!-- -->alice \\<b\\> \\| \\` https://<!-- -->x.example"), "{history}");
        assert!(!history.contains("@alice") && !history.contains("@bob"), "{history}");
        database.plan_approved("CREATE SCHEMA \"@bob\"; CREATE TABLE \"@bob\".t (id int, n int);").await;
        for arguments in [&["apply", "plan"][..], &["rollback", "plan"], &["verify", "plan"]] {
            let done = page(arguments).await;
            assert!(done.starts_with("```text\n") && done.ends_with("\n```\n"), "{done}");
        }
        database
            .execute(&format!("DROP SCHEMA trueup CASCADE; DROP ROLE {}", trueup::sql::ident(&role)))
            .await;
        database.done().await;
    });
}
