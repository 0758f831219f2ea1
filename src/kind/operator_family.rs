//! Operator families: what belongs together for one access method.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, any_order::AnyOrder};
use crate::{
    name::{ObjectId, Pair},
    sql::{self, Sql},
};

/// An operator family. Its path ends with the access method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorFamily {
    /// Operators and functions that belong to no class of it.
    pub members: AnyOrder<FamilyMember>,
}

/// An operator or a function of a family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyMember {
    /// As ADD has it: `OPERATOR 1 public.<(integer,bigint)`.
    pub add: String,
    /// As DROP has it: `OPERATOR 1 (integer,bigint)`.
    pub drop: String,
}

fn alter_family<'m>(id: &ObjectId, verb: &str, members: impl Iterator<Item = &'m str>) -> Option<Sql> {
    let members: Vec<&str> = members.collect();
    let family = id.sql();
    (!members.is_empty())
        .then(|| Sql::new(format!("ALTER OPERATOR FAMILY {family} {verb}\n    {}", members.join(",\n    "))))
}

impl Definition for OperatorFamily {
    const QUERY: &'static str = include_str!("operator_family.sql");
    const ROWS: &'static str = "pg_opfamily WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let mut statements = vec![Sql::new(format!("CREATE OPERATOR FAMILY {}", id.sql()))];
        statements.extend(alter_family(id, "ADD", self.members.iter().map(|member| member.add.as_str())));
        Ddl::Statements(statements)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP OPERATOR FAMILY {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { members } = pair.after;
        let gone = pair.before.members.without(members).map(|member| member.drop.as_str());
        let come = members.without(&pair.before.members).map(|member| member.add.as_str());
        let statements = [alter_family(id, "DROP", gone), alter_family(id, "ADD", come)];
        Alter::InPlace(Ddl::Statements(statements.into_iter().flatten().collect()), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.part(1));
        Some(Ddl::statement(format!("ALTER OPERATOR FAMILY {} RENAME TO {name}", ids.before.sql())))
    }
}
