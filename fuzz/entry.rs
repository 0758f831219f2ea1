//! What reads texts that others wrote, one function for each: the fuzz targets call them, and tests/mangled.rs does.
//! A text is refused or read; nothing panics, hangs or eats all memory.

use std::path::Path;

use trueup::{
    annotation::Instruction,
    approval::Approval,
    plan::from_text,
    postgres::Target,
    secret::{Secrets, VARIABLE},
    source::{
        desired::{SourceFile, parse},
        placeholder,
    },
    toml_file,
};

/// plan.toml.
pub fn plan(text: &str) {
    _ = from_text(Path::new("plan.toml"), text);
}

/// An approval.
pub fn approval(text: &str) {
    _ = toml_file::parse::<Approval>(Path::new("a.toml"), text);
}

/// An instruction in a comment of desired SQL.
pub fn annotation(text: &str) {
    _ = Instruction::parse(text);
}

/// A connection URL, or libpq's `name=value` form.
pub fn connection_url(text: &str) {
    _ = Target::resolve(Some(text), &|_| None);
}

/// Desired SQL: split into statements, parsed, put in order.
pub fn desired_sql(text: &str) {
    _ = parse(&[SourceFile { name: "desired.sql".to_owned(), text: text.to_owned() }]);
}

/// A statement whose secrets are put in.
pub fn placeholders(text: &str) {
    let names = placeholder::names(text);
    let secrets: Secrets = names.iter().map(|name| (name.clone(), format!("{VARIABLE}'{name}\\"))).collect();
    match placeholder::fill(text, &secrets) {
        Ok(filled) => assert_eq!(filled.is_some(), !names.is_empty(), "all or nothing is filled"),
        Err(name) => panic!("{name} was found once, and not again"),
    }
}
