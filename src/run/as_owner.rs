//! Code of a database runs with the rights of the owner of its table, whoever applies.
//!
//! Checks, triggers, defaults, domains, index expressions and views call functions that whoever owns them can replace. A
//! statement that runs such code therefore runs in a temporary SECURITY DEFINER function that belongs to the table's owner.
//! SET ROLE would not do: the code could reset the role, and would have the rights of the user who connected. Within a
//! SECURITY DEFINER function PostgreSQL refuses that ("cannot set parameter "role" within security-definer function").
//!
//! What such code leaves in the session would run later with the session's rights. So the function lives for one transaction,
//! and [`Owner::clean`] ends it with everything that code can leave there: cursors WITH HOLD, prepared statements, settings,
//! temporary objects. Deferred triggers run at COMMIT, behind that: before 18 with the rights of the role that commits, and
//! from 18 on they can still open a cursor WITH HOLD that has them. So nothing is committed while there are such triggers of
//! others, which that code could have queued ([`Owner::refuse_deferred`]).

use tokio_postgres::{Error, Row};

use super::{Item, Options, RunError, owners, settings};
use crate::{
    name::{Kind, ObjectId},
    postgres::{Session, names},
    sql,
    step::Operation,
};

/// The owner of a table, or of a domain, who is not the role of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    name: String,
    /// The role that the session has, as SET ROLE takes it.
    session_role: String,
    by: By,
    /// What stands before DDL of the session's role.
    before_ddl: String,
}

/// How the function comes to belong to the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The user who connected is a superuser and gives it away.
    Giving,
    /// The session takes the owner's role and creates it.
    Creating,
    /// Not at all, since the owner may create no temporary function: its role is taken for the statement.
    Role,
}

/// Whose a relation ($1) or a type ($2) is, or a role ($4) itself, and what may be done about it. No row: the role's own, or of
/// a role that the user who connected may not take.
const OWNER: &str = "\
SELECT o.rolname::text, pg_catalog.current_setting('role'),
       (SELECT u.rolsuper FROM pg_catalog.pg_roles u WHERE u.rolname = session_user),
       pg_catalog.has_database_privilege(o.oid, pg_catalog.current_database(), 'TEMPORARY')
  FROM pg_catalog.pg_roles o
 WHERE o.oid = COALESCE((SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)),
                        (SELECT t.typowner FROM pg_catalog.pg_type t WHERE t.oid = pg_catalog.to_regtype($2)),
                        (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = $4))
   AND o.rolname <> current_user
   AND pg_catalog.pg_has_role(session_user, o.oid, $3)";

/// Deferred triggers that run code of somebody else than a superuser or the session's own user: constraint triggers by their
/// function or their table, exclusion constraints by their table (they compute their expressions once more).
const DEFERRED: &str = "\
SELECT pg_catalog.format('%s of %s', pg_catalog.quote_ident(t.tgname), t.tgrelid::pg_catalog.regclass)
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
  LEFT JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
 WHERE t.tgdeferrable AND (NOT t.tgisinternal OR k.contype = 'x')
   AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid IN (c.relowner, p.proowner) AND NOT r.rolsuper
                                                   AND r.rolname <> session_user)
 ORDER BY 1 LIMIT 1";

/// The function. There is one at a time.
const NAME: &str = "pg_temp.trueup_as_owner";

impl Owner {
    /// Whose rights the code of this item is to have, if not the session's.
    pub async fn of_item(
        session: &Session,
        options: &Options<'_>,
        item: &Item,
    ) -> Result<Option<Self>, Error> {
        // PostgreSQL computes the rows with the rights of the role that creates it
        if item.object.kind == Kind::MaterializedView && item.action.operation == Operation::Bulk {
            return match owners::of_replaced_view(options, item) {
                Some(role) => Self::find(session, None, None, Some(role)).await,
                None => Ok(None),
            };
        }
        if !options.guarded || !item.action.operation.runs_code() {
            return Ok(None);
        }
        match (&item.action.operation, item.object.kind) {
            (Operation::Backfill(backfill), _) => Self::of_relation(session, &backfill.table).await,
            (_, Kind::Domain | Kind::DomainConstraint) => {
                let domain = sql::qualified(item.object.path.parts().get(..2).unwrap_or_default());
                Self::find(session, None, Some(&domain), None).await
            }
            _ => Self::of_relation(session, &item.object.relation_sql()).await,
        }
    }

    /// Whose rights the code of one statement is to have, which is that of a table or a domain.
    pub async fn of_statement(session: &Session, of: &ObjectId) -> Result<Option<Self>, Error> {
        match of.kind {
            Kind::Domain => Self::find(session, None, Some(&of.sql()), None).await,
            _ => Self::of_relation(session, &of.sql()).await,
        }
    }

    /// The same for a relation, as SQL names it.
    pub async fn of_relation(session: &Session, relation: &str) -> Result<Option<Self>, Error> {
        Self::find(session, Some(relation), None, None).await
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives a table to the owner.
    pub fn gets(&self, table: &str) -> String {
        format!("ALTER TABLE {table} OWNER TO {}", sql::ident(&self.name))
    }

    async fn find(
        session: &Session,
        relation: Option<&str>,
        domain: Option<&str>,
        role: Option<&str>,
    ) -> Result<Option<Self>, Error> {
        let may = if session.major() >= 16 { "SET" } else { "MEMBER" };
        let row = session.client().query_opt(OWNER, &[&relation, &domain, &may, &role]).await?;
        let Some(row) = row else { return Ok(None) };
        let by = match (row.try_get(2)?, row.try_get(3)?) {
            (true, _) => By::Giving,
            (false, true) => By::Creating,
            (false, false) => By::Role,
        };
        let before_ddl = if by == By::Role { String::new() } else { names::before_ddl(session).await? };
        Ok(Some(Self { name: row.try_get(0)?, session_role: row.try_get(1)?, by, before_ddl }))
    }

    /// The statement, to be run within a transaction, under these limits, and where its code finds names.
    pub fn run(&self, statement: &str, limits: &str, names: Option<&str>) -> String {
        let (begin, call) = match self.by {
            By::Role => (set_role(&self.name), statement.to_owned()),
            By::Giving | By::Creating => {
                let body = format!("BEGIN EXECUTE {}; END", sql::literal(statement));
                (self.create("()", "void", &body), format!("SELECT {NAME}()"))
            }
        };
        format!("{limits}; {begin}{}; {call}; {}", finding(names), self.clean())
    }

    /// What a transaction begins with in which a query runs that has these parameters, and returns rows of these columns.
    pub fn begin(&self, query: &str, parameters: &[&str], columns: &[&str]) -> String {
        if self.by == By::Role {
            return set_role(&self.name);
        }
        let numbered = |types: &[&str], prefix: &str| {
            let all = types.iter().enumerate().map(|(at, name)| format!("trueup_{prefix}{at} {name}"));
            all.collect::<Vec<_>>().join(", ")
        };
        let using =
            if parameters.is_empty() { String::new() } else { format!(" USING {}", given(parameters.len())) };
        let body = format!("BEGIN RETURN QUERY EXECUTE {}{using}; END", sql::literal(query));
        let returns = format!("TABLE ({})", numbered(columns, "column"));
        self.create(&format!("({})", numbered(parameters, "parameter")), &returns, &body)
    }

    /// The query by which it runs then, with so many parameters.
    pub fn query(&self, query: &str, parameters: usize) -> String {
        match self.by {
            By::Role => query.to_owned(),
            By::Giving | By::Creating => format!("SELECT * FROM {NAME}({})", given(parameters)),
        }
    }

    /// One value, or none, in a transaction of its own.
    pub async fn ask(&self, session: &Session, query: &str, column: &str) -> Result<Option<Row>, Error> {
        let client = session.client();
        client.batch_execute(&format!("BEGIN; {}", self.begin(query, &[], &[column]))).await?;
        let row = client.query_typed(&self.query(query, 0), &[]).await;
        self.roll_back(session).await?;
        Ok(row?.into_iter().next())
    }

    /// Ends a transaction that is not to leave anything.
    pub async fn roll_back(&self, session: &Session) -> Result<(), Error> {
        // both outlive it
        session.client().batch_execute("ROLLBACK; DEALLOCATE ALL; CLOSE ALL").await
    }

    /// Takes away what code may have left in the session, the function included, and sets its settings again. To be run
    /// before anything else that the session does.
    pub fn clean(&self) -> String {
        let none = if self.by == By::Giving { "SET LOCAL ROLE NONE; " } else { "" };
        format!(
            "{none}CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; RESET ALL; {}; DISCARD TEMP; {}",
            settings::pinned(settings::Place::Target),
            set_role(&self.session_role)
        )
    }

    fn create(&self, parameters: &str, returns: &str, body: &str) -> String {
        let function = format!(
            "CREATE FUNCTION {NAME}{parameters} RETURNS {returns} LANGUAGE plpgsql SECURITY DEFINER AS {}",
            sql::literal(body)
        );
        let caller = match self.session_role.as_str() {
            "none" => "SESSION_USER".to_owned(),
            role => sql::ident(role),
        };
        let grant = format!("GRANT EXECUTE ON FUNCTION {NAME} TO {caller}");
        let before = &self.before_ddl;
        if self.by == By::Giving {
            let owner = sql::ident(&self.name);
            return format!(
                "{before}SET LOCAL ROLE NONE; {function}; ALTER FUNCTION {NAME} OWNER TO {owner}; {grant}"
            );
        }
        let (owner, own) = (set_role(&self.name), set_role(&self.session_role));
        format!("{before}{owner}; {function}; {grant}; {own}")
    }

    /// Fails where the commit would fire a trigger with the session's rights: one that the owner's code may have queued.
    pub async fn refuse_deferred(&self, session: &Session, item: &Item) -> Result<(), RunError> {
        let trigger = async {
            let row = session.client().query_opt(DEFERRED, &[]).await?;
            row.map(|row| row.try_get::<_, String>(0)).transpose()
        };
        let trigger = trigger.await.map_err(|source| RunError::statement(session, item, 0, source))?;
        trigger.map_or(Ok(()), |trigger| Err(RunError::Deferred { step: item.step, trigger }))
    }
}

/// What code looks into that runs for a step about this relation.
pub async fn path_of_code(session: &Session, relation: &str) -> Result<names::Looked, Error> {
    let owner = Owner::of_relation(session, relation).await?;
    names::look(session, owner.as_ref().map(Owner::name)).await
}

/// What sets where code finds names, behind another statement. It is reset with what else that leaves.
pub(super) fn finding(names: Option<&str>) -> String {
    format!("; SET LOCAL search_path TO {}", names.unwrap_or("''"))
}

/// `$1, $2`, so many.
fn given(parameters: usize) -> String {
    (1..=parameters).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}

/// A role as `current_setting('role')` says it.
fn set_role(role: &str) -> String {
    if role == "none" {
        "SET LOCAL ROLE NONE".to_owned()
    } else {
        format!("SET LOCAL ROLE {}", sql::ident(role))
    }
}
