//! Secrets on their way to a target: put into a statement when it is sent, and kept out of what the server answers.

use super::{Item, Options, RunError};
use crate::{source::placeholder, visible::visible_line};

/// The statement with its secrets. None: it has none, or this is a rehearsal.
pub(super) fn fill(options: &Options<'_>, item: &Item, sql: &str) -> Result<Option<String>, RunError> {
    let Some(secrets) = options.secrets else { return Ok(None) };
    placeholder::fill(sql, secrets).map_err(|name| RunError::NoSecret {
        step: item.step,
        object: object(item),
        name,
    })
}

/// What is said instead of an error that quotes a secret: a wrapper's check of its options may.
pub(super) fn hide(options: &Options<'_>, item: &Item, error: &tokio_postgres::Error) -> Option<RunError> {
    let (secrets, said) = (options.secrets?, error.as_db_error()?);
    let more = [said.detail(), said.hint(), said.where_()];
    let quoted = [Some(said.message())].into_iter().chain(more).flatten().any(|text| secrets.are_in(text));
    let code = said.code().code().to_owned();
    quoted.then(|| RunError::Secret { step: item.step, object: object(item), code })
}

fn object(item: &Item) -> String {
    visible_line(&item.object.to_string()).into_owned()
}
