//! Secrets on two sides: which are the same, and what those are called that are not.
//!
//! Catalogs have placeholders. Where both sides have one for the same option, their values are asked for and compared in
//! memory: equal ones get one name, so that nothing differs; where they are not equal, the side before is called
//! `…_BEFORE`, which is what a rollback asks for. Without a value on one side nothing can be said, and nothing differs.

use std::collections::BTreeSet;

use super::Inputs;
use crate::{
    catalog::Catalog,
    name::{Kind, ObjectId, Pair},
    postgres::Session,
    secret::{self, Secrets, VARIABLE},
    source::{
        live::{OptionValues, ReadError},
        placeholder,
    },
    step::Step,
};

/// Where one side's values are.
pub(super) enum Values<'a> {
    /// In the environment of whoever runs trueup.
    Given(&'a Secrets),
    /// In a database.
    Database(OptionValues),
    /// In a database, but for those that a plan brings.
    Planned(OptionValues, &'a Secrets),
}

impl Values<'_> {
    /// Those of a database, of the kinds of objects that have secrets in a catalog.
    pub async fn of_database(session: &Session, catalog: &Catalog) -> Result<Self, ReadError> {
        Ok(Self::Database(read(session, catalog).await?))
    }

    fn get(&self, id: &ObjectId, option: &str, name: &str) -> Option<&str> {
        match self {
            Self::Database(values) => values.get(id, option),
            Self::Planned(values, _) if name == secret::name_for(id, option) => values.get(id, option),
            Self::Given(secrets) | Self::Planned(_, secrets) => secrets.get(name),
        }
    }
}

/// The values of a database's secrets.
pub(super) async fn read(session: &Session, catalog: &Catalog) -> Result<OptionValues, ReadError> {
    let kinds: BTreeSet<Kind> = catalog
        .objects
        .iter()
        .filter(|(_, object)| !object.secrets().is_empty())
        .map(|(id, _)| id.kind)
        .collect();
    OptionValues::read(session, &kinds).await
}

/// Compares live's secrets with those of what is wanted.
pub(super) async fn compare(
    inputs: &Inputs<'_>,
    catalogs: Pair<&mut Catalog>,
) -> Result<Vec<String>, ReadError> {
    let live = Values::of_database(inputs.live, catalogs.before).await?;
    let wanted = match inputs.other {
        Some(other) => Values::of_database(other, catalogs.after).await?,
        None => Values::Given(inputs.secrets),
    };
    Ok(settle(catalogs, Pair::new(&live, &wanted)))
}

/// Gives the secrets before those names that they have after where they are equal, and says which could not be compared.
pub(super) fn settle(catalogs: Pair<&mut Catalog>, values: Pair<&Values<'_>>) -> Vec<String> {
    let mut notes = Vec::new();
    for (id, after) in &catalogs.after.objects {
        let secrets = after.secrets();
        let Some(before) = catalogs.before.objects.get_mut(id).filter(|_| !secrets.is_empty()) else {
            continue;
        };
        before.rename_secrets(&mut |option, old| {
            let old = secret::name_in(old)?;
            let (_, new) = secrets.iter().find(|(own, _)| *own == option)?;
            let known = values.before.get(id, option, old).zip(values.after.get(id, option, new));
            if known.is_none() {
                notes.push(format!(
                    "{id}: option {option} is not compared, since nothing gives a value for the secret {new} \
                     ({VARIABLE}{new})"
                ));
            }
            let same = known.is_none_or(|(before, after)| before == after);
            Some(secret::placeholder(&if same { (*new).to_owned() } else { secret::before(new) }))
        });
    }
    notes
}

/// What whoever applies these steps, or undoes them, has to give.
pub(super) fn needed(steps: &[Step]) -> Vec<String> {
    let of = |action: fn(&Step) -> &crate::step::Action| -> BTreeSet<String> {
        steps
            .iter()
            .flat_map(|step| &action(step).sql)
            .flat_map(|sql| placeholder::names(sql.as_str()))
            .collect()
    };
    let (there, back) = (of(|step| &step.run), of(|step| &step.undo));
    let needs = there
        .iter()
        .map(|name| format!("apply needs the secret {name}: {VARIABLE}{name}, or as trueup.toml says"));
    let goes = back.iter().map(|name| {
        format!("rollback needs the secret {name} ({VARIABLE}{name}), the value before the plan, which trueup keeps nowhere")
    });
    needs.chain(goes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Object;

    fn catalog(name: &str) -> Catalog {
        let json = format!(
            r#"{{"wrapper":"w","type":null,"version":null,"options":["password=${{secret:{name}}}"]}}"#
        );
        let mut catalog = Catalog::default();
        catalog.objects.insert(
            ObjectId::new(Kind::ForeignServer, ["s"]),
            Object::from_json(Kind::ForeignServer, &json).unwrap(),
        );
        catalog
    }

    fn settled(before: &str, values: &[(&str, &str)]) -> (Catalog, Vec<String>) {
        let given: Secrets =
            values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (mut before, mut after) = (catalog(before), catalog("NEW"));
        let values = Values::Given(&given);
        let notes = settle(Pair::new(&mut before, &mut after), Pair::new(&values, &values));
        assert_eq!(after, catalog("NEW"));
        (before, notes)
    }

    #[test]
    fn equal_secrets_get_one_name() {
        assert_eq!(settled("OLD", &[("OLD", "x"), ("NEW", "x")]), (catalog("NEW"), Vec::new()));
        assert_eq!(settled("OLD", &[("OLD", "x"), ("NEW", "y")]), (catalog("NEW_BEFORE"), Vec::new()));
    }

    #[test]
    fn what_cannot_be_compared_is_said_and_does_not_differ() {
        let (before, notes) = settled("OLD", &[("OLD", "x")]);
        assert_eq!(before, catalog("NEW"));
        assert!(notes[0].contains("TRUEUP_SECRET_NEW"), "{notes:?}");
    }
}
