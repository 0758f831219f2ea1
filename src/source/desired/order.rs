//! Statements of one class so that what is referred to comes first, where the syntax says what that is.
//!
//! Retries would find the same order, but each failed `CREATE TABLE` costs as much as one that succeeds.

use std::collections::BTreeMap;

use super::{Class, place::Key, read::Statement};

/// The statements, which are sorted by class, so that each comes behind those that create what it needs.
/// Otherwise they stay as they are; of statements in a circle too.
pub(super) fn by_need(statements: Vec<Statement>) -> Vec<Statement> {
    let mut creators: BTreeMap<(Class, &Key), usize> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        if let Some(key) = &statement.creates {
            creators.entry((statement.class, key)).or_insert(index);
        }
    }
    let needs: Vec<Vec<usize>> = statements
        .iter()
        .map(|statement| {
            let found = statement.needs.iter().filter_map(|key| creators.get(&(statement.class, key)));
            found.copied().collect()
        })
        .collect();
    let mut order = Vec::with_capacity(statements.len());
    let mut seen = vec![false; statements.len()];
    for start in 0..statements.len() {
        // the way down to what is needed, with how many needs of each were looked at
        let mut way = vec![(start, 0)];
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        while let Some((index, looked)) = way.pop() {
            match needs[index].get(looked) {
                Some(next) => {
                    way.push((index, looked + 1));
                    if !std::mem::replace(&mut seen[*next], true) {
                        way.push((*next, 0));
                    }
                }
                None => order.push(index),
            }
        }
    }
    let mut statements: Vec<Option<Statement>> = statements.into_iter().map(Some).collect();
    order.into_iter().filter_map(|index| statements.get_mut(index).and_then(Option::take)).collect()
}
