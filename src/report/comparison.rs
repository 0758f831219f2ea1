//! Two schemas side by side, for people and programs.

use super::markdown::code;
use super::text::Paint;
use crate::{
    dump::{
        Home,
        compare::{Attribute, Comparison, Difference, FileDifference, Group, How},
    },
    name::{Kind, ObjectId, Pair},
    sql,
    visible::{visible, visible_line},
};

/// How long an attribute may be to be shown in the tree.
const SHORT: usize = 60;

/// The differences as a tree: an object, and below it its parts.
pub fn tree(comparison: &Comparison, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    for group in &comparison.groups {
        let title = visible_line(&title(&group.home)).into_owned();
        out.push_str(&format!("{} {}{}\n", sign(group.how, paint), paint.bold(&title), summary(group)));
        for one in own(group) {
            out.push_str(&attribute_lines(one, "    "));
        }
        for part in parts(group) {
            let label = label(&part.object, &group.home);
            out.push_str(&format!("  {} {}\n", sign(Some(part.change), paint), visible_line(&label)));
            out.push_str(&attribute_lines(part, "      "));
        }
    }
    out
}

/// The same for a pull request.
pub fn markdown_tree(comparison: &Comparison) -> String {
    let mut lines = Vec::new();
    for group in &comparison.groups {
        lines.push(format!("- {} {}{}", word(group.how), code(&title(&group.home)), summary(group)));
        let own = own(group).flat_map(|one| &one.attributes).filter_map(attribute);
        lines.extend(own.map(|text| format!("  - {}", code(&text))));
        for part in parts(group) {
            lines.push(format!(
                "  - {} {}",
                word(Some(part.change)),
                code(&label(&part.object, &group.home))
            ));
            let attributes = part.attributes.iter().filter_map(attribute);
            lines.extend(attributes.map(|text| format!("    - {}", code(&text))));
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The differences of the dumps' files, as `diff -u` has them. `names` are what the sides are called.
pub fn unified(comparison: &Comparison, names: Pair<&str>, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    for file in &comparison.files {
        let head = head(file, names);
        out.push_str(&format!("{}\n{}\n", paint.bold(&head.before), paint.bold(&head.after)));
        for changed in visible(&file.diff).lines() {
            let painted = match changed.as_bytes().first() {
                Some(b'+') => paint.green(changed),
                Some(b'-') => paint.red(changed),
                Some(b'@') => paint.dim(changed),
                _ => changed.to_owned(),
            };
            out.push_str(&painted);
            out.push('\n');
        }
    }
    out
}

/// The same for a pull request.
pub fn markdown_unified(comparison: &Comparison, names: Pair<&str>) -> String {
    let text = unified(comparison, names, false);
    // a fence longer than any in the text
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}diff\n{text}{fence}\n")
}

/// For programs: the objects, and the difference of the files.
pub fn json(comparison: &Comparison, names: Pair<&str>) -> serde_json::Value {
    let objects: Vec<&Difference> = comparison.groups.iter().flat_map(|group| &group.objects).collect();
    serde_json::json!({
        "from": names.before,
        "to": names.after,
        "different": !comparison.is_empty(),
        "objects": objects,
        "files": comparison.files,
    })
}

fn head(file: &FileDifference, names: Pair<&str>) -> Pair<String> {
    let name = |there: bool, side: &str| {
        if !there {
            return "/dev/null".to_owned();
        }
        format!("{}/{}", visible_line(side).trim_end_matches('/'), visible_line(&file.path))
    };
    Pair::new(
        format!("--- {}", name(file.there.before, names.before)),
        format!("+++ {}", name(file.there.after, names.after)),
    )
}

fn word(how: Option<How>) -> &'static str {
    match how {
        Some(How::Created) => "created",
        Some(How::Dropped) => "dropped",
        Some(How::Changed) | None => "changed",
    }
}

fn sign(how: Option<How>, paint: Paint) -> String {
    match how {
        Some(How::Created) => paint.green("+"),
        Some(How::Dropped) => paint.red("-"),
        Some(How::Changed) | None => paint.yellow("~"),
    }
}

fn title(home: &Home) -> String {
    match home {
        Home::DefaultPrivileges => "default privileges".to_owned(),
        Home::Schema(name) => format!("schema {}", sql::ident(name)),
        Home::Object(id) => id.to_string(),
    }
}

/// What a whole object that comes or goes has: ` (5 columns, 1 index)`.
fn summary(group: &Group) -> String {
    if !matches!(group.how, Some(How::Created | How::Dropped)) {
        return String::new();
    }
    let counted = [Kind::Column, Kind::Constraint, Kind::Index, Kind::Trigger, Kind::Policy];
    let counts: Vec<String> = counted
        .into_iter()
        .filter_map(|kind| match group.objects.iter().filter(|one| one.object.kind == kind).count() {
            0 => None,
            1 => Some(format!("1 {}", kind.label())),
            n if kind == Kind::Index => Some(format!("{n} indexes")),
            n if kind == Kind::Policy => Some(format!("{n} policies")),
            n => Some(format!("{n} {}s", kind.label())),
        })
        .collect();
    if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) }
}

/// The difference of the object as such.
fn own(group: &Group) -> impl Iterator<Item = &Difference> {
    let own = group.home.object();
    group.objects.iter().filter(move |one| Some(&one.object) == own.as_ref())
}

/// The parts that differ: not those that come or go with the whole, and not what a column says of its sequence.
fn parts(group: &Group) -> impl Iterator<Item = &Difference> {
    let own = group.home.object();
    let with_it = group.how.filter(|how| *how != How::Changed);
    let objects = group.objects.iter().filter(move |one| Some(&one.object) != own.as_ref());
    objects.filter(move |one| Some(one.change) != with_it && one.object.kind != Kind::IdentitySequence)
}

/// What a part is called below what it is a part of.
fn label(id: &ObjectId, home: &Home) -> String {
    if let Some(target) = id.target() {
        let what = id.kind.label().trim_end_matches(" on");
        return if Some(&target) == home.object().as_ref() {
            what.to_owned()
        } else {
            format!("{} {}", id.kind.label(), label(&target, home))
        };
    }
    match id.kind {
        Kind::Column
        | Kind::Default
        | Kind::Constraint
        | Kind::DomainConstraint
        | Kind::Index
        | Kind::Rule
        | Kind::Trigger
        | Kind::Policy
        | Kind::Statistics => format!("{} {}", id.kind.label(), sql::ident(id.path.last())),
        Kind::ToastOptions | Kind::DomainDefault => id.kind.label().to_owned(),
        Kind::DefaultPrivileges => {
            let (role, objects) = (sql::ident(id.path.part(1)), id.path.part(2).to_lowercase());
            format!("{} of {role} on {objects}", id.kind.label())
        }
        _ => id.to_string(),
    }
}

fn attribute_lines(one: &Difference, indent: &str) -> String {
    let lines = one.attributes.iter().filter_map(attribute);
    lines.map(|text| format!("{indent}{}\n", visible_line(&text))).collect()
}

/// `type: integer → bigint`; only the name of what is long or has parts. A type without its modifier says nothing
/// beside the type.
fn attribute(attribute: &Attribute) -> Option<String> {
    let Attribute { name, before, after } = attribute;
    if name == "base_type" {
        return None;
    }
    let name = name.replace('_', " ");
    Some(match (short(before), short(after)) {
        (Some(before), Some(after)) => format!("{name}: {before} → {after}"),
        _ => name,
    })
}

fn short(value: &serde_json::Value) -> Option<String> {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "none".to_owned(),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => return None,
        other => other.to_string(),
    };
    (text.chars().count() <= SHORT && !text.contains('\n')).then_some(text)
}
