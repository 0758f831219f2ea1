//! What a database is made with and can never change: encoding and collation.

use tokio_postgres::SimpleQueryMessage;

use super::session::Session;
use crate::sql;

/// How text is stored and compared in a database, so that a rehearsal compares it in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// The encoding, as in `UTF8`.
    pub encoding: String,
    /// Who compares: `libc`, `icu` (from 15) or `builtin` (from 17).
    pub locale_provider: String,
    /// `LC_COLLATE`.
    pub collate: String,
    /// `LC_CTYPE`.
    pub ctype: String,
    /// The locale of the provider, where that is not libc.
    pub locale: Option<String>,
    /// Rules added to an ICU locale (from 16).
    pub icu_rules: Option<String>,
}

impl Default for DatabaseSettings {
    /// UTF-8, compared by bytes: what every server can do.
    fn default() -> Self {
        Self {
            encoding: "UTF8".to_owned(),
            locale_provider: "libc".to_owned(),
            collate: "C".to_owned(),
            ctype: "C".to_owned(),
            locale: None,
            icu_rules: None,
        }
    }
}

impl DatabaseSettings {
    /// The settings of the session's database.
    pub async fn of(session: &Session) -> Result<Self, tokio_postgres::Error> {
        let (provider, locale, rules) = match session.major() {
            ..15 => ("'c'", "NULL", "NULL"),
            15 => ("datlocprovider", "daticulocale", "NULL"),
            16 => ("datlocprovider", "daticulocale", "daticurules"),
            17.. => ("datlocprovider", "datlocale", "daticurules"),
        };
        let query = format!(
            "SELECT pg_catalog.pg_encoding_to_char(encoding) AS encoding, {provider} AS provider, \
             datcollate, datctype, {locale} AS locale, {rules} AS rules \
             FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"
        );
        let mut settings = Self::default();
        for message in session.client().simple_query(&query).await? {
            if let SimpleQueryMessage::Row(row) = message {
                let text = |column: &str| row.get(column).map(str::to_owned);
                settings = Self {
                    encoding: text("encoding").unwrap_or_default(),
                    locale_provider: match row.get("provider") {
                        Some("i") => "icu",
                        Some("b") => "builtin",
                        _ => "libc",
                    }
                    .to_owned(),
                    collate: text("datcollate").unwrap_or_default(),
                    ctype: text("datctype").unwrap_or_default(),
                    locale: text("locale"),
                    icu_rules: text("rules"),
                };
            }
        }
        Ok(settings)
    }

    /// The statement that makes a database with these settings on a server of this major version.
    pub(super) fn create(&self, name: &str, major: u16) -> String {
        let Self { encoding, locale_provider, collate, ctype, locale, icu_rules } = self;
        let mut statement = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            sql::ident(name),
            sql::literal(encoding),
            sql::literal(collate),
            sql::literal(ctype)
        );
        let mut add = |clause: &str, value: &str| {
            statement.push(' ');
            statement.push_str(clause);
            statement.push(' ');
            statement.push_str(&sql::literal(value));
        };
        if major >= 15 {
            add("LOCALE_PROVIDER", locale_provider);
        }
        match (locale_provider.as_str(), locale) {
            ("icu", Some(locale)) => add("ICU_LOCALE", locale),
            ("builtin", Some(locale)) => add("BUILTIN_LOCALE", locale),
            _ => {}
        }
        if let Some(rules) = icu_rules {
            add("ICU_RULES", rules);
        }
        statement
    }

    /// The same with operating-system locales that every machine has: those of live may not be installed here.
    pub(super) fn with_plain_locale(&self) -> Self {
        let plain = Self { collate: "C".to_owned(), ctype: "C".to_owned(), ..self.clone() };
        match self.locale_provider.as_str() {
            // The provider does the comparing; these two matter little.
            "icu" | "builtin" if self.collate != "C" || self.ctype != "C" => plain,
            _ => Self { encoding: self.encoding.clone(), ..Self::default() },
        }
    }
}
