//! What is wrong with a schema by itself, before any database is asked: `trueup check`.

use crate::{
    annotation::Annotation,
    config::Shaping,
    hazard::{self, Level},
    postgres::Session,
    rehearse::{self, Language},
    source::{
        desired::Desired,
        live::{self, ReadError},
    },
};

/// Something about a schema that a careful person would want to know.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How much it asks of whoever reads it.
    pub level: Level,
    /// Its code, as plans have it; none for annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What is so, and of which object or place.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

/// Looks at a schema that was loaded into the database of a session, for these environments.
pub async fn look(
    session: &Session,
    desired: &Desired,
    shapings: &[Shaping],
) -> Result<Vec<Finding>, ReadError> {
    let catalog = live::read_managed(session).await?;
    let mut findings: Vec<Finding> = hazard::of_schema(&catalog)
        .into_iter()
        .map(|(rule, message)| Finding {
            level: rule.level,
            code: Some(rule.code),
            message,
            advice: rule.advice.to_owned(),
        })
        .collect();
    for (function, why) in rehearse::broken_bodies(session, Language::Any).await? {
        findings.push(Finding {
            level: Level::Warning,
            code: None,
            message: format!("the body of function {function} is none that PostgreSQL takes: {why}"),
            advice: "correct it; each call would fail".to_owned(),
        });
    }
    findings.extend(desired.annotations.iter().filter_map(|it| without_value(it, shapings)));
    // the worst first, and each kind in the order of its objects
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Ok(findings)
}

/// An annotation that names a value which one of the environments does not give.
fn without_value(annotation: &Annotation, shapings: &[Shaping]) -> Option<Finding> {
    let missing = |shaping: &Shaping| {
        let name = annotation.instruction.names_of_values().find(|name| !shaping.values.contains_key(*name));
        name.map(|name| (name.to_owned(), shaping.environment.clone()))
    };
    let (name, environment) = shapings.iter().find_map(missing)?;
    let (at, word) = (&annotation.at, annotation.instruction.word());
    let part = environment.unwrap_or_else(|| "NAME".to_owned());
    Some(Finding {
        level: Level::Warning,
        code: None,
        message: format!("{at}: @{word}: there is no value for ${{{name}}} in environment {part}"),
        advice: format!("in trueup.toml: [env.{part}] values = {{ {name} = \"…\" }}"),
    })
}
