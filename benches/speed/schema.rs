//! A generated schema of any size, and the same one with twenty objects changed.

use std::fmt::Write;

/// How much of what there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Of five columns, a primary key, two more indexes and a foreign key each.
    pub tables: usize,
    pub views: usize,
    pub functions: usize,
    pub policies: usize,
}

/// The schema as a person would write it.
pub fn sql(size: Size) -> String {
    let mut sql = String::new();
    for number in 0..size.tables {
        table(&mut sql, number);
    }
    for number in 0..size.functions {
        let body = format!("SELECT sum(amount) FROM table_{number} WHERE label = wanted");
        add(
            &mut sql,
            &format!(
                "CREATE FUNCTION total_{number}(wanted text) RETURNS numeric LANGUAGE sql STABLE AS $$ {body} $$"
            ),
        );
    }
    for number in 0..size.views {
        let query = format!(
            "SELECT t.id, t.label, p.label AS parent, t.amount * 2 AS twice FROM table_{number} t \
             LEFT JOIN table_{} p ON p.id = t.parent WHERE t.amount > 0",
            number.saturating_sub(1)
        );
        add(&mut sql, &format!("CREATE VIEW view_{number} AS {query}"));
    }
    for number in 0..size.policies {
        add(&mut sql, &format!("ALTER TABLE table_{number} ENABLE ROW LEVEL SECURITY"));
        add(
            &mut sql,
            &format!("CREATE POLICY own ON table_{number} USING (label = current_user AND amount >= 0)"),
        );
    }
    sql
}

fn table(sql: &mut String, number: usize) {
    // every table refers to one before it, and the first to itself
    let parent = number.saturating_sub(1);
    add(
        sql,
        &format!(
            "CREATE TABLE table_{number} (\n    id bigint PRIMARY KEY,\n    parent bigint REFERENCES table_{parent} (id),\n    \
             label text NOT NULL DEFAULT 'none',\n    amount numeric(12, 2) NOT NULL CHECK (amount >= 0),\n    \
             created timestamptz NOT NULL DEFAULT now()\n)"
        ),
    );
    add(sql, &format!("CREATE INDEX table_{number}_parent ON table_{number} (parent)"));
    add(sql, &format!("CREATE INDEX table_{number}_label ON table_{number} (lower(label), created)"));
}

/// Twenty objects more or other: columns, indexes, checks, and views where there are some.
pub fn changed(size: Size) -> String {
    let mut sql = sql(size);
    let step = size.tables / 20;
    for change in 0..20 {
        let number = change * step;
        let statement = match change % 4 {
            0 => format!("ALTER TABLE table_{number} ADD COLUMN note text"),
            1 => format!("CREATE INDEX table_{number}_amount ON table_{number} (amount)"),
            2 => format!("ALTER TABLE table_{number} ADD CONSTRAINT small CHECK (amount < 1000000)"),
            _ => format!("CREATE VIEW more_{number} AS SELECT id, label FROM table_{number}"),
        };
        add(&mut sql, &statement);
    }
    sql
}

fn add(sql: &mut String, statement: &str) {
    // writing to a String does not fail
    let _ = writeln!(sql, "{statement};");
}
