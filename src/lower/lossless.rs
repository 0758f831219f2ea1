//! Changes of types that lose nothing: each value of the old type can be told from what becomes of it, since the cast back gives
//! an equal one. The list is short, and each line of it says why. Whatever is not in it may lose something.
//!
//! A value that PostgreSQL refuses in the new type is not lost. What is only cut where it is cast, and refused where it is
//! assigned, counts as cut: rows come after they were looked at. Two types of one name are the same type here: the step that
//! changes the type itself says what that loses.

use super::type_name::{TypeName, Types, without_collation};
use crate::{
    kind::{Alter, Composite, Definition, Object},
    name::{ObjectId, Pair},
};

/// How deep types are looked into: a domain over an array of a composite type that has …
const DEEPEST: u32 = 16;

/// What values of the first type may lose in the second, as words behind a colon; none where they lose nothing.
pub fn lost(names: Pair<&str>, types: Pair<&Types<'_>>) -> Option<&'static str> {
    lost_within(names, types, DEEPEST)
}

const UNKNOWN: &str = "not every value is known to come back from that type";

fn lost_within(names: Pair<&str>, types: Pair<&Types<'_>>, depth: u32) -> Option<&'static str> {
    let Some(depth) = depth.checked_sub(1) else { return Some(UNKNOWN) };
    let Pair { before, after } = Pair::new(without_collation(names.before), without_collation(names.after));
    if before == after {
        return None;
    }
    let next = |before: &str, after: &str| lost_within(Pair::new(before, after), types, depth);
    // a domain has the values of the type that it is over, or some of them
    if let Some(Object::Domain(domain)) = types.before.get(before) {
        return next(&domain.base, after);
    }
    if let Some(Object::Domain(domain)) = types.after.get(after) {
        return next(before, &domain.base);
    }
    // an array has the values of its elements
    match (before.strip_suffix("[]"), after.strip_suffix("[]")) {
        (Some(old), Some(new)) => return next(old, new),
        (Some(_), None) => return lost_in_print(None, &TypeName::of(after)),
        (None, Some(_)) => return Some(UNKNOWN),
        (None, None) => {}
    }
    let (old, new) = (TypeName::of(before), TypeName::of(after));
    match (types.before.get(before), types.after.get(after)) {
        // a label that the new type does not have is refused
        (Some(Object::Enum(_)), Some(Object::Enum(_))) => None,
        // text that is no label is refused
        (_, Some(Object::Enum(_))) if old.is_text() || old.name == "character" => None,
        (Some(Object::Enum(labels)), _) => {
            let longest = labels.labels.iter().map(|label| label.chars().count()).max();
            lost_in_print(longest, &new)
        }
        (Some(Object::Composite(old)), Some(Object::Composite(new))) => {
            if old.attributes.len() != new.attributes.len() {
                return Some(UNKNOWN);
            }
            let pairs = old.attributes.iter().zip(&new.attributes);
            pairs.into_iter().find_map(|(old, new)| next(&old.data_type, &new.data_type))
        }
        (Some(Object::Range(old)), Some(Object::Range(new))) => next(&old.subtype, &new.subtype),
        _ => lost_of_built_in(&old, &new),
    }
}

/// What becomes of types that PostgreSQL brings, and of those of extensions. The list.
#[allow(clippy::match_same_arms, reason = "each line is a reason of its own")]
fn lost_of_built_in(old: &TypeName, new: &TypeName) -> Option<&'static str> {
    const CUT: Option<&str> = Some("what is longer is cut or refused");
    const BLANKS: Option<&str> = Some("blanks at the end are cut");
    const ROUNDED: Option<&str> = Some("numbers are rounded");
    const SECONDS: Option<&str> = Some("seconds are rounded");
    const CLOCK: Option<&str> = Some(
        "a local time that the clock of TimeZone skips or repeats, where it is set forward or back, becomes another",
    );
    let (from, to) = (old.name.as_str(), new.name.as_str());
    let is_whole = |name: &str| matches!(name, "smallint" | "integer" | "bigint");
    let is_number = |name: &str| is_whole(name) || matches!(name, "numeric" | "real" | "double precision");
    let shorter = |lost: Option<&'static str>| {
        let fits = new.length().is_none_or(|room| old.length().is_some_and(|length| length <= room));
        if fits { None } else { lost }
    };
    let coarser = |lost: Option<&'static str>| {
        let fits = new.digits().is_none_or(|room| old.digits().is_some_and(|digits| digits <= room));
        if fits { None } else { lost }
    };
    let is_timed = |name: &str| name.starts_with("time") || name.starts_with("interval");
    match (from, to) {
        // as many digits behind the point, or more; before the point, what does not fit is refused
        ("numeric", "numeric") => coarser(ROUNDED),
        // as many digits of a second, or more
        (same, other) if same == other && is_timed(same) => coarser(SECONDS),
        // any interval, where the old type has only some of its fields
        (fields, "interval") if fields.starts_with("interval ") => coarser(SECONDS),
        // longer; blanks at the end are part of neither type's values
        ("character", "character") => shorter(CUT),
        ("character varying", "character varying") | ("bit varying" | "bit", "bit varying") => shorter(CUT),
        ("bit", "bit") => shorter(CUT),
        // a modifier of a type that is not known here: only none at all takes every value
        (same, other) if same == other => {
            if new.is_modified {
                Some(UNKNOWN)
            } else {
                None
            }
        }
        // a whole number fits, or is refused
        (_, _) if is_whole(from) && is_whole(to) => None,
        (_, "numeric") if is_whole(from) && new.digits().is_none_or(|digits| digits >= 0) => None,
        ("numeric", _) if is_whole(to) && old.digits().is_some_and(|digits| digits <= 0) => None,
        // real has 24 binary digits and double precision 53; smallint has 15 and integer 31
        ("smallint", "real" | "double precision") | ("integer" | "real", "double precision") => None,
        (_, _) if is_number(from) && is_number(to) => ROUNDED,
        ("boolean", "integer") => None,
        // midnight, of which the date is what it was
        ("date", "timestamp without time zone") => None,
        ("date" | "timestamp without time zone", "timestamp with time zone")
        | ("timestamp with time zone", "timestamp without time zone") => CLOCK,
        (_, "date") if from.starts_with("timestamp") => Some("the time of day is gone"),
        // the same address, in a type that has more of them
        ("cidr", "inet") | ("macaddr", "macaddr8") => None,
        ("inet", "cidr") => Some("the bits of the address behind the network are gone"),
        // the same document, printed
        ("jsonb", "json") => None,
        ("json", "jsonb") => Some("blanks, the order of keys, and keys that are there twice are gone"),
        // a document that keeps its text
        (_, "json") if old.is_text() => None,
        // blanks at the end are no part of this type's values
        (_, "character") if old.is_text() => BLANKS,
        ("character", _) => lost_in_print(old.length().and_then(|it| usize::try_from(it).ok()), new),
        _ if old.is_text() && new.is_text() => shorter(CUT),
        _ => lost_in_print(longest_print(from), new),
    }
}

/// What a value loses that is kept as text, by the most characters that one prints as. PostgreSQL reads what it printed as the same
/// value (pg_dump relies on that).
fn lost_in_print(longest: Option<usize>, new: &TypeName) -> Option<&'static str> {
    if !new.is_text() {
        return Some(UNKNOWN);
    }
    let fits =
        |room: i32| longest.is_some_and(|longest| usize::try_from(room).is_ok_and(|room| longest <= room));
    let fits = new.length().is_none_or(fits);
    if fits { None } else { Some("what is printed longer is cut or refused") }
}

/// How many characters values of a type print as at most.
fn longest_print(name: &str) -> Option<usize> {
    match name {
        "boolean" => Some("false".len()),
        "smallint" => Some("-32768".len()),
        "integer" => Some("-2147483648".len()),
        "bigint" => Some("-9223372036854775808".len()),
        "uuid" => Some("00000000-0000-0000-0000-000000000000".len()),
        "name" => Some(63),
        _ => None,
    }
}

/// What a composite type's stored values lose: attributes that go, change places, or get a type that holds less.
pub fn lost_of_composite(pair: Pair<&Composite>, id: &ObjectId, types: Pair<&Types<'_>>) -> Vec<String> {
    let Pair { before, after } = pair;
    // values that change over to another type of the name go through their text, which has places and no names
    let by_place = matches!(Composite::alter(pair, id), Alter::Rebuild);
    let mut all = Vec::new();
    for (at, old) in before.attributes.iter().enumerate() {
        let new = if by_place {
            after.attributes.get(at).filter(|new| new.name == old.name)
        } else {
            after.attributes.iter().find(|new| new.name == old.name)
        };
        match new {
            None => all.push(old.name.clone()),
            Some(new) => {
                let why = lost(Pair::new(&old.data_type, &new.data_type), types);
                all.extend(
                    why.map(|why| format!("of {} what {} does not hold ({why})", old.name, new.data_type)),
                );
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn is_lossless(before: &str, after: &str) -> bool {
        let catalog = Catalog::default();
        let types = Types::of(&catalog);
        lost(Pair::new(before, after), Pair::new(&types, &types)).is_none()
    }

    #[test]
    fn widening_keeps_all_values() {
        for (old, new) in [
            ("integer", "bigint"),
            ("bigint", "integer"),
            ("bigint", "numeric"),
            ("integer", "numeric(12,2)"),
            ("numeric(9)", "bigint"),
            ("smallint", "real"),
            ("integer", "double precision"),
            ("real", "double precision"),
            ("character varying(10)", "character varying(20)"),
            ("character varying(10)", "text"),
            ("character(10)", "text"),
            ("character(10)", "bpchar"),
            ("character(10)", "character varying(10)"),
            ("text", "character varying"),
            ("text", "public.citext"),
            ("public.citext", "text"),
            ("numeric(5,2)", "numeric(7,2)"),
            ("numeric(5,2)[]", "numeric[]"),
            ("date", "timestamp(0) without time zone"),
            ("timestamp(3) without time zone", "timestamp without time zone"),
            ("interval second(0)", "interval"),
            ("bit varying(4)", "bit varying"),
            ("bit(4)", "bit varying(4)"),
            ("cidr", "inet"),
            ("jsonb", "json"),
            ("text", "json"),
            ("public.vector(3)", "public.vector"),
            ("timestamp with time zone", "text"),
            ("integer", "character varying(11)"),
            ("uuid", "character varying(36)"),
            ("integer[]", "text"),
            ("integer[]", "text[]"),
        ] {
            assert!(is_lossless(old, new), "{old} -> {new}");
        }
    }

    #[test]
    fn what_is_not_known_to_keep_them_does_not() {
        for (old, new) in [
            ("bigint", "double precision"),
            ("integer", "real"),
            ("double precision", "real"),
            ("numeric", "double precision"),
            ("double precision", "numeric"),
            ("numeric(12,4)[]", "numeric(10,2)[]"),
            ("numeric(7,3)", "numeric(5,1)"),
            ("integer", "numeric(5,-2)"),
            ("numeric", "integer"),
            ("money", "numeric"),
            ("timestamp without time zone[]", "date[]"),
            ("timestamp with time zone", "timestamp without time zone"),
            ("timestamp without time zone", "timestamp with time zone"),
            ("time with time zone", "time without time zone"),
            ("interval", "interval second(0)"),
            ("text", "name"),
            ("text", "character varying(5)"),
            ("character varying(5)", "character varying(4)"),
            ("text", "character(5)"),
            ("text", "integer"),
            ("integer", "character varying(5)"),
            ("bit varying", "bit(4)"),
            ("bit(8)", "bit varying(4)"),
            ("inet", "cidr"),
            ("json", "jsonb"),
            ("public.geometry(Point,4326)", "public.geometry(Point,3857)"),
            ("integer", "integer[]"),
            ("integer[]", "character varying(9)"),
        ] {
            assert!(!is_lossless(old, new), "{old} -> {new}");
        }
    }
}
