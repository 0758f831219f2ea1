//! The example: the schema of yesterday with its rows, and what `schema/` wants of it today.

use trueup::{
    postgres::Session,
    source::desired::{self, Desired, SourceFile},
};

use super::{CliError, query};

/// The plan's name, as in plans/.
pub const PLAN: &str = "full-name-and-currency";

const YESTERDAY: &str = include_str!("../../../tests/example/yesterday.sql");
const ROWS: &str = include_str!("../../../tests/example/rows.sql");

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$((concat!("schema/", $name), include_str!(concat!("../../../schema/", $name)))),*]
    };
}

/// The files of `schema/`; a test asserts that this is all of them.
const TODAY: [(&str, &str); 6] =
    files!["catalog.sql", "customers.sql", "functions.sql", "orders.sql", "reviews.sql", "views.sql"];

/// Makes yesterday's schema and its rows in an empty database.
pub async fn open(session: &Session) -> Result<(), CliError> {
    session.client().batch_execute(YESTERDAY).await.map_err(query)?;
    session.client().batch_execute(ROWS).await.map_err(query)
}

/// What is wanted today.
pub fn desired() -> Result<Desired, CliError> {
    let files = TODAY.map(|(name, text)| SourceFile { name: name.to_owned(), text: text.to_owned() });
    desired::parse(&files).map_err(|errors| CliError::new(errors.to_string()))
}

#[cfg(test)]
mod tests {
    use super::TODAY;

    #[test]
    fn all_of_schema_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schema");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| format!("schema/{}", entry.unwrap().file_name().to_str().unwrap()))
            .collect();
        found.sort();
        assert_eq!(found, TODAY.map(|(name, _)| name));
    }
}
