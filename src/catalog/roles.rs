//! The roles that a schema cannot do without.

use std::collections::BTreeSet;

use super::Catalog;
use crate::{kind::Object, name::ObjectId};

impl Catalog {
    /// The roles that it mentions: who owns something, who is granted something and by whom, whom policies and default privileges are for.
    /// Those that PostgreSQL has by itself are not among them.
    pub fn roles(&self) -> BTreeSet<String> {
        self.roles_of(self.objects.keys())
    }

    /// The same of these objects.
    pub fn roles_of<'a>(&self, ids: impl IntoIterator<Item = &'a ObjectId>) -> BTreeSet<String> {
        let mut roles = BTreeSet::new();
        let named = ids.into_iter().filter_map(|id| Some((id, self.objects.get(id)?)));
        for (id, object) in named {
            let grants = match object {
                Object::Privileges(privileges) => &privileges.grants,
                Object::DefaultPrivileges(privileges) => {
                    roles.insert(id.path.part(1).to_owned());
                    &privileges.grants
                }
                Object::Policy(policy) => {
                    roles.extend(policy.roles.iter().cloned());
                    continue;
                }
                Object::Owner(owner) => {
                    roles.insert(owner.role.clone());
                    continue;
                }
                _ => continue,
            };
            roles.extend(grants.iter().flat_map(|grant| [&grant.grantee, &grant.grantor]).flatten().cloned());
        }
        roles.retain(|role| role != "public" && !role.starts_with("pg_"));
        roles
    }
}
