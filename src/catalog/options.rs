//! Options of a catalog's objects by their names: which there are, which differ, and the catalog without some.

use std::collections::BTreeSet;

use super::Catalog;
use crate::{
    kind::{Object, options::name_of},
    name::ObjectId,
};

impl Catalog {
    /// The catalog without options of these names.
    #[must_use]
    pub fn without_options(&self, names: &BTreeSet<String>) -> Self {
        let mut catalog = self.clone();
        for object in catalog.objects.values_mut() {
            object.visit_options(&mut |_, options| options.retain(|option| !names.contains(name_of(option))));
        }
        catalog
            .objects
            .retain(|_, object| !matches!(object, Object::ToastOptions(toast) if toast.options.is_empty()));
        catalog
    }

    /// The objects that have options of these names.
    pub fn with_options(&self, names: &BTreeSet<String>) -> Vec<&ObjectId> {
        let has = |object: &Object| options(object).iter().any(|option| names.contains(name_of(option)));
        self.objects.iter().filter(|(_, object)| has(object)).map(|(id, _)| id).collect()
    }

    /// The names of options that a server does not know, by its message.
    pub fn options_unknown_in(&self, message: &str) -> BTreeSet<String> {
        let all = self.objects.values().flat_map(options);
        let names = all.map(|option| name_of(&option).to_owned());
        names.filter(|name| message.contains(&format!("unrecognized parameter \"{name}\""))).collect()
    }

    /// The names of options that an object has here and not in the other catalog, or there and not here.
    pub fn options_other_than(&self, other: &Self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (id, object) in &self.objects {
            let here: BTreeSet<String> = options(object).into_iter().collect();
            let there: BTreeSet<String> =
                other.objects.get(id).map(options).unwrap_or_default().into_iter().collect();
            names.extend(here.symmetric_difference(&there).map(|option| name_of(option).to_owned()));
        }
        names
    }
}

/// All options of an object.
fn options(object: &Object) -> Vec<String> {
    let mut found = Vec::new();
    object.clone().visit_options(&mut |_, options| found.extend(options.iter().cloned()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kind::{OptionsOf, options::keep_settable},
        name::Kind,
    };

    fn view(options: &str) -> Catalog {
        let json = format!(r#"{{"definition":"SELECT 1","columns":[],"options":{options}}}"#);
        let mut catalog = Catalog::default();
        let object = Object::from_json(Kind::View, &json).unwrap();
        catalog.objects.insert(ObjectId::new(Kind::View, ["public", "v"]), object);
        catalog
    }

    #[test]
    fn options_are_found_by_name() {
        let live = view(r#"["srv_map=1","security_barrier=true"]"#);
        let scratch = view(r#"["srv_map=2","security_barrier=true"]"#);
        let found = live.options_other_than(&scratch);
        assert_eq!(found, BTreeSet::from(["srv_map".to_owned()]));
        assert_eq!(live.with_options(&found).len(), 1);
        assert_eq!(live.without_options(&found), scratch.without_options(&found));
        assert_eq!(live.options_unknown_in("unrecognized parameter \"srv_map\""), found);
        assert!(live.options_unknown_in("value 7 out of bounds for option \"srv_map\"").is_empty());
    }

    #[test]
    fn an_object_shows_its_options() {
        let mut catalog = view(r#"["pg_next=1"]"#);
        for object in catalog.objects.values_mut() {
            object.visit_options(&mut |of, list| {
                assert_eq!(of, OptionsOf::Relation);
                keep_settable(of, list, &BTreeSet::new());
            });
        }
        assert_eq!(catalog, view("[]"));
    }
}
