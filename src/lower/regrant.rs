//! Privileges on columns where the table's change. A table's REVOKE takes the same privilege along that the role has on
//! the columns (PostgreSQL manual, REVOKE), so those that stay are granted again.

use super::Lowering;
use crate::{
    kind::{
        Object,
        acl::{Grant, same_privilege},
        privileges,
    },
    name::{Kind, ObjectId},
    sql::Sql,
};

impl Lowering<'_> {
    /// What is granted on columns again when a table's privileges went from one side to the other.
    pub(super) fn grant_again(
        &self,
        id: &ObjectId,
        before: Option<&Object>,
        after: Option<&Object>,
    ) -> Vec<Sql> {
        let Some(Object::Privileges(before)) = before else { return Vec::new() };
        let after = match after {
            Some(Object::Privileges(after)) => &after.grants,
            _ => &before.default,
        };
        let Some(target) = id.target().filter(|target| target.path.parts().len() == 2) else {
            return Vec::new();
        };
        let revoked: Vec<&Grant> = before.grants.without(after).collect();
        if revoked.is_empty() {
            return Vec::new();
        }
        let of_table =
            self.state.objects(Kind::Privileges).filter_map(|(id, object)| match (id.target(), object) {
                (Some(column), Object::Privileges(own))
                    if column.kind == Kind::Column && column.path.parts()[..2] == *target.path.parts() =>
                {
                    Some((id, &own.grants))
                }
                _ => None,
            });
        of_table
            .flat_map(|(id, grants)| {
                let left = |grant: &&Grant| !revoked.iter().any(|gone| same_privilege(gone, grant));
                privileges::statements(id, &grants.iter().filter(left).cloned().collect(), grants)
            })
            .collect()
    }
}
