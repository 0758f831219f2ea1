//! Types by their names: what `format_type` prints, taken apart, and the types of a catalog that users made.

use std::collections::BTreeMap;

use crate::{
    catalog::Catalog,
    kind::{Object, Range},
    name::Kind,
    sql,
};

/// A type as `format_type` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeName {
    /// The name, without modifier.
    pub name: String,
    /// The numbers between the parentheses.
    pub modifier: Vec<i32>,
    /// Whether there are parentheses, whatever stands in them.
    pub is_modified: bool,
}

impl TypeName {
    /// Takes the name of a type that is no array apart.
    pub fn of(text: &str) -> Self {
        let text = without_collation(text);
        let mut quoted = false;
        let open = text.char_indices().find(|(_, c)| {
            quoted ^= *c == '"';
            *c == '(' && !quoted
        });
        let split = open.and_then(|(open, _)| Some((open, open + text.get(open..)?.find(')')?)));
        let Some((open, close)) = split else {
            // what character without a length is called
            let name = if text == "bpchar" { "character" } else { text };
            return Self { name: name.to_owned(), modifier: Vec::new(), is_modified: false };
        };
        let modifier = text[open + 1..close].split(',').filter_map(|number| number.trim().parse().ok());
        let name = format!("{}{}", &text[..open], &text[close + 1..]);
        Self { name, modifier: modifier.collect(), is_modified: true }
    }

    /// How many characters or bits there may be.
    pub fn length(&self) -> Option<i32> {
        self.modifier.first().copied()
    }

    /// How many digits there may be behind the point, if they are limited.
    pub fn digits(&self) -> Option<i32> {
        match self.name.as_str() {
            "numeric" if !self.is_modified => None,
            "numeric" => Some(self.modifier.get(1).copied().unwrap_or(0)),
            _ => Some(self.modifier.first().copied().unwrap_or(6)),
        }
    }

    /// Whether it holds any text as it is.
    pub fn is_text(&self) -> bool {
        matches!(self.name.as_str(), "text" | "character varying")
            || self.name.rsplit('.').next() == Some("citext")
    }
}

/// A type without COLLATE, which attributes of composite types have.
pub(super) fn without_collation(text: &str) -> &str {
    text.split_once(" COLLATE ").map_or(text, |(name, _)| name)
}

/// The types of a catalog that users made, by their names in SQL.
pub struct Types<'c> {
    named: BTreeMap<String, &'c Object>,
    multiranges: BTreeMap<String, (String, &'c Range)>,
}

impl<'c> Types<'c> {
    /// Those of a catalog.
    pub fn of(catalog: &'c Catalog) -> Self {
        let kinds = [Kind::Domain, Kind::Composite, Kind::Enum, Kind::Range];
        let all = || kinds.into_iter().flat_map(|kind| catalog.of_kind(kind));
        let multirange = |object: &'c Object, schema: &str, range: String| match object {
            Object::Range(it) => Some((sql::qualified(&[schema, &it.multirange]), (range, it))),
            _ => None,
        };
        Self {
            named: all().map(|(id, object)| (id.sql(), object)).collect(),
            multiranges: all()
                .filter_map(|(id, object)| multirange(object, id.path.part(0), id.sql()))
                .collect(),
        }
    }

    /// The domain, composite type, enum or range of a name, whatever modifier stands behind it.
    pub(super) fn get(&self, name: &str) -> Option<&'c Object> {
        self.named.get(without_collation(name)).copied()
    }

    /// The range type that a multirange type is of, with its name.
    pub(super) fn range_of(&self, multirange: &str) -> Option<(&str, &'c Range)> {
        self.multiranges.get(multirange).map(|(name, range)| (name.as_str(), *range))
    }
}

#[cfg(test)]
mod tests {
    use super::TypeName;

    #[test]
    fn a_modifier_stands_anywhere_in_a_name() {
        for (text, name, modifier) in [
            ("numeric(5,-2)", "numeric", &[5, -2][..]),
            ("timestamp(3) without time zone", "timestamp without time zone", &[3]),
            ("interval day to second(2)", "interval day to second", &[2]),
            ("public.\"a(b\"", "public.\"a(b\"", &[]),
            ("character varying(8) COLLATE pg_catalog.\"C\"", "character varying", &[8]),
            ("bpchar", "character", &[]),
        ] {
            let found = TypeName::of(text);
            assert_eq!((found.name.as_str(), &found.modifier[..]), (name, modifier), "{text}");
        }
    }
}
