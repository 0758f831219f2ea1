//! Options of foreign data: whose values are secrets, and how objects have placeholders instead of them.

use super::{Object, Options};
use crate::{
    name::ObjectId,
    secret::{self, Holder},
};

impl Object {
    /// Its options of foreign data, and what they are about.
    fn foreign_options(&self) -> Option<(Holder, &Options)> {
        match self {
            Object::ForeignDataWrapper(wrapper) => Some((Holder::Connection, &wrapper.options)),
            Object::ForeignServer(server) => Some((Holder::Connection, &server.options)),
            Object::Table(table) => table.foreign.as_ref().map(|foreign| (Holder::Table, &foreign.options)),
            Object::Column(column) => Some((Holder::Table, &column.foreign_options)),
            _ => None,
        }
        .filter(|(_, options)| !options.is_empty())
    }

    fn foreign_options_mut(&mut self) -> Option<&mut Options> {
        match self {
            Object::ForeignDataWrapper(wrapper) => Some(&mut wrapper.options),
            Object::ForeignServer(server) => Some(&mut server.options),
            Object::Table(table) => table.foreign.as_mut().map(|foreign| &mut foreign.options),
            Object::Column(column) => Some(&mut column.foreign_options),
            _ => None,
        }
    }

    /// Puts placeholders in the place of values that are secrets. Whether there were any.
    pub fn hide_secrets(&mut self, id: &ObjectId) -> bool {
        let Some((holder, options)) = self.foreign_options() else { return false };
        let is_hidden = |(name, value): &(&str, &str)| {
            !secret::is_secret(holder, name, value) || secret::name_in(value).is_some()
        };
        if options.iter().filter_map(|option| option.split_once('=')).all(|option| is_hidden(&option)) {
            return false;
        }
        self.rename_secrets(&mut |name, value| {
            let hides = secret::is_secret(holder, name, value) && secret::name_in(value).is_none();
            hides.then(|| secret::placeholder(&secret::name_for(id, name)))
        });
        true
    }

    /// The names of the secrets that it has instead of values, each with its option's.
    pub fn secrets(&self) -> Vec<(&str, &str)> {
        let options = self.foreign_options().map(|(_, options)| options).into_iter().flatten();
        let split = options.filter_map(|option| option.split_once('='));
        split.filter_map(|(option, value)| Some((option, secret::name_in(value)?))).collect()
    }

    /// The value of an option of foreign data.
    pub fn foreign_option(&self, name: &str) -> Option<&str> {
        let (_, options) = self.foreign_options()?;
        options
            .iter()
            .filter_map(|option| option.split_once('='))
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }

    /// Asks for each option of foreign data, by its name and value, whether it gets another value.
    pub fn rename_secrets(&mut self, other: &mut dyn FnMut(&str, &str) -> Option<String>) {
        let Some(options) = self.foreign_options_mut() else { return };
        options.for_each_mut(|option| {
            if let Some((name, value)) = option.split_once('=')
                && let Some(value) = other(name, value)
            {
                *option = format!("{name}={value}");
            }
        });
    }

    /// Whether it is the same but for what its secrets are called.
    pub fn is_like(&self, other: &Self) -> bool {
        let nameless = |object: &Self| object.with_nameless_secrets().unwrap_or_else(|| object.clone());
        self == other || !self.secrets().is_empty() && nameless(self) == nameless(other)
    }

    /// The object with secrets that have no names, if it has any.
    pub(super) fn with_nameless_secrets(&self) -> Option<Self> {
        if self.secrets().is_empty() {
            return None;
        }
        let mut object = self.clone();
        object.rename_secrets(&mut |_, value| secret::name_in(value).map(|_| secret::NAMELESS.to_owned()));
        Some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Kind;

    fn server(option: &str) -> Object {
        let json =
            format!(r#"{{"wrapper":"w","type":null,"version":null,"options":["host=db","{option}"]}}"#);
        Object::from_json(Kind::ForeignServer, &json).unwrap()
    }

    #[test]
    fn a_secret_is_hidden_once() {
        let id = ObjectId::new(Kind::ForeignServer, ["s"]);
        let mut object = server("password=hunter2");
        assert!(object.hide_secrets(&id));
        assert_eq!(object.secrets(), [("password", "SERVER_S_PASSWORD")]);
        assert_eq!(object.foreign_option("host"), Some("db"));
        assert!(!object.to_json().contains("hunter2"));
        assert!(!object.hide_secrets(&id));
    }

    #[test]
    fn a_fingerprint_knows_of_a_secret_that_it_is_there() {
        let id = ObjectId::new(Kind::ForeignServer, ["s"]);
        let of = |option: &str| server(option).fingerprint(&id);
        assert_eq!(of("password=${secret:A}"), of("password=${secret:B}"));
        assert_ne!(of("password=${secret:A}"), of("passfile=${secret:A}"));
    }
}
