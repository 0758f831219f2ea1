//! What a server said, for people.

use tokio_postgres::error::DbError;

use crate::visible::visible_line;

/// What the server said, in one line: message, detail, hint, SQLSTATE. Of other errors, what the driver says.
pub fn server_words(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        return visible_line(&format!("{error}{cause}")).into_owned();
    };
    let mut words = db.message().to_owned();
    for (label, more) in [("detail", db.detail()), ("hint", db.hint()), ("where", db.where_())] {
        if let Some(more) = more {
            words = format!("{words}; {label}: {more}");
        }
    }
    words = format!("{words} ({})", DbError::code(db).code());
    visible_line(&words).into_owned()
}
