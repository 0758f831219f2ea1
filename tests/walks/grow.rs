//! Random databases, and random edits of them.

use std::collections::BTreeSet;

use super::{
    dice::Dice,
    model::{
        ATTRIBUTES, Body, Expr, INTEGER, Id, LABELS, Model, Object, PLAIN, ROLES, SUBTYPES, Shape, TEXT,
        Thing, Type, Value,
    },
};

const NAMES: &[&str] = &[
    "alpha",
    "beta",
    "gamma",
    "delta",
    "order",
    "Mixed Case",
    "user",
    "zeta",
    "eta",
    "theta",
    "it's",
    "kappa",
    "select",
    "mu",
    "nu",
    "a.b",
];

/// How many objects a database has.
const SIZE: usize = 34;

/// What may go with an object that an edit drops: more is another database.
const MOST: usize = 8;

/// A database.
pub fn catalog(dice: &mut Dice) -> Model {
    let mut model = Model::default();
    for name in ["app", "Other one"] {
        model.add(plain(None, name.to_owned(), Thing::Schema));
    }
    let size = SIZE / 2 + dice.roll(SIZE);
    while model.objects.len() < size {
        add(&mut model, dice);
    }
    model
}

/// The same one after some edits that trueup can do, as far as is known.
pub fn edited(model: &Model, dice: &mut Dice) -> Model {
    sensible(model, || after_edits(model, dice))
}

/// Two to four edits of one table and what is part of it.
pub fn edited_in_one_table(model: &Model, dice: &mut Dice) -> Model {
    sensible(model, || {
        let mut after = model.clone();
        let Some(table) = dice.any(&tables(model)) else { return after };
        let mut left = 2 + dice.roll(3);
        // an edit may come to nothing
        for _ in 0..40 {
            let is_part = |(id, object): &(&Id, &Object)| **id == table || object.thing.of() == Some(table);
            let parts: Vec<Id> = after.objects.iter().filter(is_part).map(|(id, _)| *id).collect();
            let Some(id) = dice.any(&parts).filter(|_| left > 0) else { break };
            let before = after.clone();
            match dice.roll(8) {
                0 | 1 if id != table => drop(&mut after, id),
                2 => rename(&mut after, dice, id),
                3..6 => change(&mut after, dice, id),
                _ => {
                    add(&mut after, dice);
                    let new: Vec<Id> =
                        after.objects.keys().filter(|id| !before.objects.contains_key(id)).copied().collect();
                    if !new.iter().all(|id| after.objects[id].thing.of() == Some(table)) {
                        after = before.clone();
                    }
                }
            }
            if after != before {
                left -= 1;
            }
        }
        after
    })
}

/// The first that is not what trueup refuses.
fn sensible(model: &Model, mut edit: impl FnMut() -> Model) -> Model {
    loop {
        let after = edit();
        if !(comes_to_another_root(model, &after)
            || changes_a_root_key(model, &after)
            || moves_a_count(model, &after)
            || inherits_anew(model, &after))
        {
            return after;
        }
    }
}

/// Case partition/comes-while-a-column-of-the-root-is-another-one.
fn comes_to_another_root(before: &Model, after: &Model) -> bool {
    let columns = |model: &Model, root: Id| {
        let of_root =
            |(_, object): &(&Id, &Object)| object.thing.is_column() && object.thing.of() == Some(root);
        model.objects.iter().filter(of_root).map(|(id, object)| (*id, object.clone())).collect::<Vec<_>>()
    };
    let parts = |model: &Model| -> Vec<(Id, String, Id)> {
        let part = |(id, object): (&Id, &Object)| match object.thing {
            Thing::Table { shape: Shape::Part { of, .. }, .. } => Some((*id, model.name(*id), of)),
            _ => None,
        };
        model.objects.iter().filter_map(part).collect()
    };
    let (old, new) = (parts(before), parts(after));
    old.iter().chain(&new).any(|part| {
        !(old.contains(part) && new.contains(part)) && columns(before, part.2) != columns(after, part.2)
    })
}

/// Case partition/key-of-the-root-becomes-deferrable.
fn changes_a_root_key(before: &Model, after: &Model) -> bool {
    before.objects.iter().any(|(id, object)| match object.thing {
        Thing::Key { of, .. } => {
            before.is_root(of) && after.objects.get(id).is_some_and(|other| other.thing != object.thing)
        }
        _ => false,
    })
}

/// Case inheritance/identity-column-of-the-parent-changes-its-type.
fn moves_a_count(before: &Model, after: &Model) -> bool {
    let of_parent = |of: Id| {
        let child = |thing: &Thing| matches!(thing, Thing::Table { shape: Shape::Child(parent), .. } if *parent == of);
        !before.all(child).is_empty() || !after.all(child).is_empty()
    };
    before.objects.iter().any(|(id, object)| match object.thing {
        Thing::Identity { of, .. } => {
            of_parent(of) && after.objects.get(id).is_some_and(|other| other.thing != object.thing)
        }
        _ => false,
    })
}

/// A column that goes in a parent while its child gets one of that name: trueup refuses it, since PostgreSQL has no way
/// back.
fn inherits_anew(before: &Model, after: &Model) -> bool {
    let named = |model: &Model, table: Id| -> BTreeSet<String> {
        model.columns(table).iter().map(|column| model.objects[column].name.clone()).collect()
    };
    let children = |model: &Model| {
        model.all(|thing| matches!(thing, Thing::Table { shape: Shape::Child(_) | Shape::Part { .. }, .. }))
    };
    children(after).into_iter().any(|child| {
        let parent = after.parent(child).unwrap();
        if !before.objects.contains_key(&child) || !before.objects.contains_key(&parent) {
            return false;
        }
        // under another name the parent is another one
        if before.name(parent) != after.name(parent) {
            return true;
        }
        let gone = &named(before, parent) - &named(after, parent);
        !gone.is_disjoint(&named(after, child))
    })
}

fn after_edits(model: &Model, dice: &mut Dice) -> Model {
    let mut model = model.clone();
    for _ in 0..=dice.roll(9) {
        let id = dice.any(&model.objects.keys().copied().collect::<Vec<_>>());
        let Some(id) = id else { continue };
        match dice.roll(10) {
            0 | 1 => drop(&mut model, id),
            2 => rename(&mut model, dice, id),
            3..6 => change(&mut model, dice, id),
            6 => {
                let object = model.objects.get_mut(&id).unwrap();
                object.comment = dice.perhaps(2, |dice| 1 + dice.roll(2));
            }
            7 => {
                let grant = dice.perhaps(2, grant);
                model.objects.get_mut(&id).unwrap().grant = grant;
            }
            _ => add(&mut model, dice),
        }
    }
    model
}

fn grant(dice: &mut Dice) -> (usize, bool) {
    (dice.roll(ROLES.len()), dice.once_in(3))
}

fn plain(at: Option<Id>, name: String, thing: Thing) -> Object {
    Object { at, name, thing, comment: None, grant: None }
}

fn drop(model: &mut Model, id: Id) {
    let gone = model.closure(id);
    if gone.len() <= MOST {
        model.objects.retain(|id, _| !gone.contains(id));
    }
}

fn rename(model: &mut Model, dice: &mut Dice, id: Id) {
    // PostgreSQL has no cast from a type to one that happens to be like it: columns cannot follow
    let stored =
        matches!(model.thing(id), Thing::Enum { .. } | Thing::Composite { .. } | Thing::Range { .. })
            && model.objects.values().any(|object| {
                let kind = match &object.thing {
                    Thing::Column { kind, .. } | Thing::Domain { base: kind, .. } => vec![*kind],
                    Thing::Composite { attributes } => attributes.iter().map(|(_, kind)| *kind).collect(),
                    _ => Vec::new(),
                };
                kind.iter().any(|kind| matches!(kind, Type::Of(of) | Type::ArrayOf(of) if *of == id))
            });
    if stored
        || matches!(
            model.thing(id),
            Thing::Schema | Thing::Operator { .. } | Thing::Cast { .. } | Thing::DefaultPrivileges { .. }
        )
    {
        return;
    }
    let name = match model.thing(id).of() {
        Some(of) if model.thing(id).is_column() => column_name(model, dice, of),
        _ => free_name(model, dice),
    };
    model.objects.get_mut(&id).unwrap().name = name;
}

/// One that nothing has, so that it may be anything's.
fn free_name(model: &Model, dice: &mut Dice) -> String {
    let used: BTreeSet<&str> = model.objects.values().map(|object| object.name.as_str()).collect();
    let free: Vec<&str> = NAMES.iter().copied().filter(|name| !used.contains(name)).collect();
    match dice.any(&free) {
        Some(name) => name.to_owned(),
        None => (1..).map(|n| format!("n{n}")).find(|name| !used.contains(name.as_str())).unwrap(),
    }
}

/// One that no relation of the family has.
fn column_name(model: &Model, dice: &mut Dice, of: Id) -> String {
    let root = model.root(of);
    let mut used = BTreeSet::from(["key".to_owned(), "one".to_owned()]);
    for column in model.all(Thing::is_column) {
        if model.thing(column).of().is_some_and(|of| model.root(of) == root) {
            used.insert(model.objects[&column].name.clone());
        }
    }
    let all = ["a", "b", "c", "d", "Camel", "order", "at last", "e", "f", "g", "h", "i", "j", "k", "l", "m"];
    let free: Vec<&str> = all.iter().copied().filter(|name| !used.contains(*name)).collect();
    dice.any(&free).map_or_else(|| format!("c{}", model.next), str::to_owned)
}

fn schema(model: &Model, dice: &mut Dice) -> Option<Id> {
    dice.any(&model.all(|thing| matches!(thing, Thing::Schema)))
}

/// Tables that are no partitions: those have what their roots have.
fn tables(model: &Model) -> Vec<Id> {
    model.all(|thing| matches!(thing, Thing::Table { shape, .. } if !matches!(shape, Shape::Part { .. })))
}

fn plain_tables(model: &Model) -> Vec<Id> {
    model.all(|thing| matches!(thing, Thing::Table { shape: Shape::Plain, .. }))
}

fn any_type(model: &Model, dice: &mut Dice) -> Type {
    let own = model.all(|thing| {
        matches!(
            thing,
            Thing::Enum { .. } | Thing::Domain { .. } | Thing::Composite { .. } | Thing::Range { .. }
        )
    });
    match (dice.roll(5), dice.any(&own)) {
        (0 | 1, Some(id)) => Type::Of(id),
        (2, Some(id)) => Type::ArrayOf(id),
        _ => Type::Plain(dice.roll(PLAIN.len())),
    }
}

/// What indexes and generated columns may compute.
fn immutable(model: &Model, dice: &mut Dice, column: Id) -> Expr {
    let functions = model.all(|thing| matches!(thing, Thing::Function { body: Body::Anything, .. }));
    match (dice.roll(3), dice.any(&functions)) {
        (0, Some(function)) => Expr::Call(function, column),
        (1, _) => Expr::IsNull(column),
        _ => Expr::Column(column),
    }
}

fn computed(model: &Model, dice: &mut Dice, column: Id) -> Expr {
    match immutable(model, dice, column) {
        Expr::Column(column) => Expr::IsNull(column),
        expr => expr,
    }
}

fn any_expr(model: &Model, dice: &mut Dice, relation: Id, column: Id) -> Expr {
    let over_rows = model.all(
        |thing| matches!(thing, Thing::Function { body: Body::Row { table, .. }, .. } if *table == relation),
    );
    match (dice.roll(4), dice.any(&over_rows)) {
        (0, Some(function)) => Expr::Row(function),
        (1, _) => Expr::Text(column),
        _ => immutable(model, dice, column),
    }
}

/// Columns of a relation that can be in keys, indexes, statistics: those that are stored.
fn stored(model: &Model, relation: Id) -> Vec<Id> {
    model.columns(relation)
}

fn some(dice: &mut Dice, of: &[Id], most: usize) -> Vec<Id> {
    let mut all = of.to_vec();
    dice.shuffle(&mut all);
    all.truncate(1 + dice.roll(most));
    all
}

/// One more object, if this throw of the dice makes sense.
pub fn add(model: &mut Model, dice: &mut Dice) {
    let Some(at) = schema(model, dice) else {
        model.add(plain(None, "app".to_owned(), Thing::Schema));
        return;
    };
    let at = Some(at);
    let name = free_name(model, dice);
    let object = match dice.roll(47) {
        0 => {
            let mut labels: Vec<usize> = (0..LABELS.len()).collect();
            dice.shuffle(&mut labels);
            labels.truncate(2 + dice.roll(3));
            plain(at, name, Thing::Enum { labels })
        }
        1 => {
            let base = any_type(model, dice);
            plain(at, name, Thing::Domain { base, check: None, default: dice.once_in(2), not_null: false })
        }
        2 => {
            let mut attributes = Vec::new();
            for number in 0..=dice.roll(3) {
                attributes.push((number, any_type(model, dice)));
            }
            plain(at, name, Thing::Composite { attributes })
        }
        3 => plain(at, name, Thing::Range { subtype: dice.roll(SUBTYPES.len()) }),
        4 | 5 => {
            let owners: Vec<Id> = model
                .all(|thing| matches!(thing, Thing::Column { .. }))
                .into_iter()
                .filter(|column| {
                    // an owned sequence is in the schema of its table
                    model.objects[&model.thing(*column).of().unwrap()].at == at
                })
                .collect();
            let owner = dice.any(&owners).filter(|_| dice.once_in(3));
            plain(
                at,
                name,
                Thing::Sequence {
                    increment: dice.roll(3),
                    cache: dice.roll(2),
                    cycle: dice.once_in(3),
                    owner,
                },
            )
        }
        6..9 => {
            let columns = model.all(|thing| matches!(thing, Thing::Column { .. }));
            let body = match (dice.roll(8), dice.any(&columns)) {
                (0 | 1, Some(column)) => Body::Row { table: model.thing(column).of().unwrap(), column },
                (2, Some(column)) => Body::Atomic { column },
                (3, Some(column)) => Body::Plpgsql { column },
                (4, Some(column)) => Body::SetOf { table: model.thing(column).of().unwrap() },
                (5, _) => Body::Same(any_type(model, dice)),
                (6, _) => Body::Procedure,
                _ => Body::Anything,
            };
            plain(
                at,
                name,
                Thing::Function {
                    body,
                    argument: dice.roll(3),
                    number: dice.roll(10),
                    strict: false,
                    definer: dice.once_in(5),
                },
            )
        }
        9 => plain(
            at,
            name,
            Thing::Function { body: Body::Trigger, argument: 0, number: 1, strict: false, definer: false },
        ),
        10 => plain(at, name, Thing::Aggregate { start: dice.roll(5) }),
        11..15 => {
            let of = dice.any(&plain_tables(model));
            let roots = model.all(|thing| matches!(thing, Thing::Table { shape: Shape::Root { .. }, .. }));
            let shape = match (dice.roll(6), of, dice.any(&roots)) {
                (0, Some(of), _) => Shape::Child(of),
                (1, _, _) => Shape::Root { by: dice.roll(3) },
                (2 | 3, _, Some(of)) => Shape::Part { of, number: (0..).find(|number| !model.objects.values().any(|object| {
                    matches!(&object.thing, Thing::Table { shape: Shape::Part { of: root, number: used }, .. } if *root == of && used == number)
                })).unwrap() },
                _ => Shape::Plain,
            };
            let fillfactor = dice.perhaps(2, |dice| dice.roll(3));
            plain(
                at,
                name,
                Thing::Table {
                    shape,
                    unlogged: false,
                    fillfactor,
                    secured: dice.once_in(4),
                    forced: false,
                    full: false,
                },
            )
        }
        15..23 => {
            let Some(of) = dice.any(&tables(model)) else { return };
            let name = column_name(model, dice, of);
            let columns = model.all(|thing| matches!(thing, Thing::Column { of: table, .. } if *table == of));
            let thing = match (dice.roll(9), dice.any(&columns)) {
                (0, Some(column)) => Thing::Generated { of, expr: computed(model, dice, column) },
                // before 17 partitioned tables cannot have them
                (1, _) if matches!(model.thing(of), Thing::Table { shape: Shape::Plain, .. }) => {
                    Thing::Identity { of, kind: dice.roll(2), always: dice.once_in(2), start: dice.roll(3) }
                }
                (2, _) => {
                    match dice.any(&model.all(|thing| matches!(thing, Thing::Sequence { owner: None, .. }))) {
                        Some(sequence) => Thing::Column {
                            of,
                            kind: INTEGER,
                            not_null: true,
                            default: Some(Value::Next(sequence)),
                            statistics: None,
                            collation: None,
                        },
                        None => return,
                    }
                }
                _ => {
                    let kind = any_type(model, dice);
                    let default = dice.perhaps(2, |_| Value::Constant);
                    Thing::Column {
                        of,
                        kind,
                        not_null: dice.once_in(3),
                        default,
                        statistics: None,
                        collation: None,
                    }
                }
            };
            plain(None, name, thing)
        }
        23 | 24 => {
            let Some(of) = dice.any(&tables(model)) else { return };
            let Some(column) = dice.any(&model.columns(of)) else { return };
            // PostgreSQL cannot convert a whole row in a check to that of an inheritor
            let expr = immutable(model, dice, column);
            let no_inherit =
                matches!(model.thing(of), Thing::Table { shape: Shape::Plain, .. }) && dice.once_in(6);
            plain(None, name, Thing::Check { of, expr, no_inherit, not_valid: dice.once_in(6) })
        }
        25 | 26 => {
            let Some(of) = dice.any(&tables(model)) else { return };
            let own = model.all(|thing| matches!(thing, Thing::Column { of: table, .. } if *table == of));
            if own.is_empty() {
                return;
            }
            let primary = !model.objects.values().any(
                |object| matches!(&object.thing, Thing::Key { of: table, primary: true, .. } if *table == of),
            );
            let columns = some(dice, &own, 2);
            if primary {
                // a primary key makes its columns NOT NULL
                for column in &columns {
                    if let Thing::Column { not_null, .. } = &mut model.objects.get_mut(column).unwrap().thing
                    {
                        *not_null = true;
                    }
                }
            }
            plain(None, name, Thing::Key { of, columns, primary, deferrable: dice.once_in(5) })
        }
        27 | 28 => {
            let keys = model.all(|thing| matches!(thing, Thing::Key { deferrable: false, .. }));
            let keys: Vec<Id> =
                keys.into_iter().filter(|key| !model.is_root(model.thing(*key).of().unwrap())).collect();
            let (Some(key), Some(of)) = (dice.any(&keys), dice.any(&tables(model))) else { return };
            let Thing::Key { columns: targets, .. } = model.thing(key).clone() else { return };
            let mut columns = Vec::new();
            for target in targets {
                // with a collation of its own it would have to be the same; and not everything can be compared
                let Thing::Column { kind: kind @ Type::Plain(..=12), collation: None, .. } =
                    *model.thing(target)
                else {
                    return;
                };
                let name = column_name(model, dice, of);
                let thing = Thing::Column {
                    of,
                    kind,
                    not_null: false,
                    default: None,
                    statistics: None,
                    collation: None,
                };
                columns.push(model.add(plain(None, name, thing)));
            }
            plain(
                None,
                name,
                Thing::Foreign { of, columns, key, action: dice.roll(3), deferrable: dice.once_in(3) },
            )
        }
        29 | 30 => {
            let mut relations = tables(model);
            relations.extend(model.all(|thing| matches!(thing, Thing::View { materialized: true, .. })));
            let Some(of) = dice.any(&relations) else { return };
            let columns = stored(model, of);
            if columns.is_empty() {
                return;
            }
            let exprs: Vec<Expr> =
                some(dice, &columns, 2).into_iter().map(|column| immutable(model, dice, column)).collect();
            let filter =
                dice.any(&columns).filter(|_| dice.once_in(3)).map(|column| immutable(model, dice, column));
            let method = if exprs.len() == 1 { dice.roll(3) } else { 0 };
            let unique = method == 0 && dice.once_in(3) && !model.is_root(of);
            plain(None, name, Thing::Index { of, exprs, unique, filter, method })
        }
        31 => {
            let Some(of) = dice.any(&plain_tables(model)) else { return };
            let columns = model.all(|thing| matches!(thing, Thing::Column { of: table, .. } if *table == of));
            if columns.len() < 2 {
                return;
            }
            // in the order of the table: case statistics/… says what happens otherwise
            let columns = columns[..2].to_vec();
            plain(at, name, Thing::Statistics { of, columns, kinds: dice.roll(3) })
        }
        32..36 => {
            let sources = model.all(|thing| matches!(thing, Thing::Table { .. } | Thing::View { .. }));
            // nor functions that return rows of a table: case view/over-a-function-that-returns-rows-of-a-table
            if sources.is_empty() {
                return;
            }
            let over = some(dice, &sources, 3);
            let of = |model: &Model, source: Id| match model.thing(source) {
                Thing::Function { body: Body::SetOf { table }, .. } => *table,
                _ => source,
            };
            let filter = dice
                .any(&model.columns(of(model, over[0])))
                .filter(|_| dice.once_in(3))
                .map(|column| (0, column));
            let materialized = dice.once_in(4);
            let view = model.add(plain(
                at,
                name,
                Thing::View { over: over.clone(), materialized, filter, barrier: dice.once_in(4) },
            ));
            for (at, source) in over.iter().enumerate() {
                let relation = of(model, *source);
                for column in some(dice, &model.columns(relation), 3) {
                    let expr = any_expr(model, dice, relation, column);
                    let name = column_name(model, dice, view);
                    model.add(plain(None, name, Thing::Output { of: view, over: at, expr }));
                }
            }
            return;
        }
        36 => {
            let functions = model.all(|thing| matches!(thing, Thing::Function { body: Body::Trigger, .. }));
            let Some(function) = dice.any(&functions) else { return };
            let mut relations = tables(model);
            relations.extend(model.all(|thing| matches!(thing, Thing::View { materialized: false, .. })));
            let Some(of) = dice.any(&relations) else { return };
            let view = matches!(model.thing(of), Thing::View { .. });
            let constraint = dice.once_in(4) && !view;
            let before = dice.once_in(2) && !constraint;
            let columns: Vec<Id> = model
                .columns(of)
                .into_iter()
                .filter(|column| matches!(model.thing(*column), Thing::Column { .. }))
                .collect();
            let when = dice.any(&columns).filter(|_| dice.once_in(2));
            let update_of = dice.any(&columns).filter(|_| dice.once_in(2) && !view);
            plain(
                None,
                name,
                Thing::Trigger { of, function, when, update_of, before, constraint, enabled: dice.roll(3) },
            )
        }
        37 => {
            let Some(of) = dice.any(&plain_tables(model)) else { return };
            let Some(column) = dice.any(&model.columns(of)) else { return };
            plain(None, name, Thing::Rule { of, column, event: dice.roll(2) })
        }
        38 => {
            let Some(of) = dice.any(&tables(model)) else { return };
            let Some(column) = dice.any(&model.columns(of)) else { return };
            let expr = any_expr(model, dice, of, column);
            plain(
                None,
                name,
                Thing::Policy {
                    of,
                    expr,
                    command: dice.roll(3),
                    role: dice.roll(4),
                    restrictive: dice.once_in(3),
                },
            )
        }
        39 => {
            let tables = some(dice, &tables(model), 3);
            plain(None, name, Thing::Publication { tables, events: dice.roll(3) })
        }
        40 => match dice.any(&model.all(|thing| matches!(thing, Thing::Dictionary { .. }))) {
            Some(dictionary) if dice.once_in(2) => {
                plain(at, name, Thing::Configuration { dictionary, tokens: dice.roll(3) })
            }
            _ => plain(at, name, Thing::Dictionary { stop: dice.once_in(2) }),
        },
        41 => match dice.any(&model.all(|thing| matches!(thing, Thing::Wrapper { .. }))) {
            Some(wrapper) if dice.once_in(2) => {
                plain(None, name, Thing::Server { wrapper, option: Some(dice.roll(3)) })
            }
            _ => plain(None, name, Thing::Wrapper { option: None }),
        },
        42 => {
            let functions = model.all(|thing| matches!(thing, Thing::Function { body: Body::Same(_), .. }));
            match dice.any(&functions) {
                Some(function) => plain(at, name, Thing::Operator { function }),
                None => return,
            }
        }
        43 => {
            let functions =
                model.all(|thing| matches!(thing, Thing::Function { body: Body::Row { .. }, .. }));
            let Some(function) = dice.any(&functions) else { return };
            let table = model.thing(function).needs()[0];
            let is_there = |thing: &Thing| matches!(thing, Thing::Cast { function } if model.thing(*function).needs()[0] == table);
            if !model.all(is_there).is_empty() {
                return;
            }
            plain(None, name, Thing::Cast { function })
        }
        44 => plain(at, name, Thing::Collation { deterministic: dice.once_in(2) }),
        45 => {
            let collations = model.all(|thing| matches!(thing, Thing::Collation { .. }));
            let (Some(collation), Some(of)) = (dice.any(&collations), dice.any(&tables(model))) else {
                return;
            };
            let name = column_name(model, dice, of);
            plain(
                None,
                name,
                Thing::Column {
                    of,
                    kind: TEXT,
                    not_null: false,
                    default: None,
                    statistics: None,
                    collation: Some(collation),
                },
            )
        }
        _ => {
            let class = dice.roll(4);
            let role = dice.roll(3);
            let there = model.objects.values().any(|object| object.at == at && matches!(&object.thing, Thing::DefaultPrivileges { class: other, role: to } if *other == class && *to == role));
            // default privileges are not reckoned with for sequences of identity columns: case default_privileges/there-while-tables-come
            if there || class == 1 {
                return;
            }
            plain(at, name, Thing::DefaultPrivileges { class, role })
        }
    };
    let comment = dice.perhaps(3, |_| 0);
    let grant = dice.perhaps(3, grant);
    model.add(Object { comment, grant, ..object });
}

/// Whether PostgreSQL can convert values, at least when it is asked to.
fn castable(from: Type, to: Type) -> bool {
    let text = |kind: Type| matches!(kind, Type::Plain(5..=7));
    let number = |kind: Type| matches!(kind, Type::Plain(0..=4));
    let of_time = |kind: Type| matches!(kind, Type::Plain(9..=11));
    from == to || text(from) || text(to) || number(from) && number(to) || of_time(from) && of_time(to)
}

/// Another one of its sort.
fn change(model: &mut Model, dice: &mut Dice, id: Id) {
    let mut thing = model.thing(id).clone();
    match &mut thing {
        Thing::Enum { labels } => match dice.roll(3) {
            0 => {
                let free: Vec<usize> = (0..LABELS.len()).filter(|label| !labels.contains(label)).collect();
                if let Some(label) = dice.any(&free) {
                    labels.insert(dice.roll(labels.len() + 1), label);
                }
            }
            1 if labels.len() > 1 => _ = labels.remove(dice.roll(labels.len())),
            _ => dice.shuffle(labels),
        },
        Thing::Domain { default, not_null, base, check } => match dice.roll(4) {
            0 => *default = !*default,
            1 => *not_null = !*not_null,
            2 => *check = dice.perhaps(2, |dice| 1 + dice.roll(2)),
            _ => {
                let to = Type::Plain(dice.roll(PLAIN.len()));
                *base = if castable(*base, to) { to } else { TEXT };
            }
        },
        Thing::Composite { attributes } => match dice.roll(3) {
            0 if attributes.len() > 1 => _ = attributes.remove(dice.roll(attributes.len())),
            1 => {
                let at = dice.roll(attributes.len());
                attributes[at].1 = TEXT;
            }
            _ => {
                let free: Vec<usize> = (0..ATTRIBUTES.len()).filter(|at| !attributes.iter().any(|(used, _)| used == at)).collect();
                if let Some(at) = dice.any(&free) {
                    attributes.push((at, Type::Plain(dice.roll(PLAIN.len()))));
                }
            }
        },
        Thing::Sequence { increment, cache, cycle, .. } => {
            *increment = dice.roll(3);
            *cache = dice.roll(2);
            *cycle = !*cycle;
        }
        Thing::Function { body, argument, number, strict, definer } => match dice.roll(5) {
            0 => *argument = dice.roll(3),
            1 if !matches!(body, Body::Trigger | Body::Procedure | Body::SetOf { .. }) => *strict = !*strict,
            2 if !matches!(body, Body::Procedure | Body::Trigger | Body::SetOf { .. }) => *definer = !*definer,
            _ => *number = dice.roll(10),
        },
        Thing::Aggregate { start } => *start += 1,
        Thing::Table { shape, fillfactor, secured, forced, full, .. } => match dice.roll(4) {
            0 if !matches!(shape, Shape::Root { .. }) => *fillfactor = dice.perhaps(2, |dice| dice.roll(3)),
            1 => *secured = !*secured,
            2 => *forced = !*forced,
            _ if !matches!(shape, Shape::Root { .. }) => *full = !*full,
            _ => {}
        },
        Thing::Column { kind, not_null, default, statistics, collation, .. } => match dice.roll(5) {
            0 if !model.objects.values().any(|object| matches!(&object.thing, Thing::Key { columns, primary: true, .. } if columns.contains(&id))) => {
                *not_null = !*not_null;
            }
            1 if !matches!(default, Some(Value::Next(_))) => {
                *default = if default.is_some() { None } else { Some(Value::Constant) };
            }
            2 => *statistics = dice.perhaps(2, |dice| 1 + dice.roll(2)),
            _ => {
                if matches!(default, Some(Value::Next(_))) || collation.is_some() {
                    return;
                }
                let tied = tied(model, id);
                let to = if tied.len() > 1 { Type::Plain(dice.roll(13)) } else { any_type(model, dice) };
                let to = if castable(*kind, to) { to } else { TEXT };
                for column in tied {
                    if let Thing::Column { kind, .. } = &mut model.objects.get_mut(&column).unwrap().thing {
                        *kind = to;
                    }
                }
                return;
            }
        },
        Thing::Generated { of, expr } => {
            let columns = model.all(|thing| matches!(thing, Thing::Column { of: table, .. } if table == of));
            if let Some(column) = dice.any(&columns) {
                *expr = computed(model, dice, column);
            }
        }
        Thing::Identity { kind, always, start, .. } => match dice.roll(3) {
            0 => *kind = 1 - *kind,
            1 => *always = !*always,
            _ => *start += 1,
        },
        Thing::Check { expr, of, not_valid, .. } => match (dice.roll(2), dice.any(&model.columns(*of))) {
            (0, Some(column)) => *expr = immutable(model, dice, column),
            _ => *not_valid = false,
        },
        Thing::Key { deferrable, .. } => {
            let used = model.objects.values().any(|object| matches!(&object.thing, Thing::Foreign { key, .. } if *key == id));
            if !used {
                *deferrable = !*deferrable;
            }
        }
        Thing::Foreign { action, deferrable, .. } => {
            *action = dice.roll(3);
            *deferrable = dice.once_in(2);
        }
        Thing::Index { of, exprs, filter, method, .. } => {
            let columns = stored(model, *of);
            match (dice.roll(3), dice.any(&columns)) {
                (0, Some(column)) => exprs[0] = immutable(model, dice, column),
                (1, Some(column)) => *filter = if filter.is_some() { None } else { Some(immutable(model, dice, column)) },
                _ if *method != 1 => *method = 2 - *method,
                _ => {}
            }
        }
        Thing::Statistics { kinds, .. } => *kinds = dice.roll(3),
        Thing::View { barrier, filter, .. } => {
            if dice.once_in(2) { *barrier = !*barrier } else { *filter = None }
        }
        Thing::Output { expr, .. } => {
            let column = expr.needs().last().copied().filter(|id| model.thing(*id).is_column());
            if let Some(column) = column {
                *expr = immutable(model, dice, column);
            }
        }
        Thing::Trigger { before, constraint, enabled, when, .. } => match dice.roll(3) {
            0 if !*constraint => *before = !*before,
            1 => *enabled = dice.roll(3),
            _ => *when = None,
        },
        Thing::Rule { event, .. } => *event = 1 - *event,
        Thing::Policy { command, role, restrictive, expr, of } => match (dice.roll(4), dice.any(&model.columns(*of))) {
            (0, _) => *command = dice.roll(3),
            (1, _) => *role = dice.roll(4),
            (2, _) => *restrictive = !*restrictive,
            (_, Some(column)) => *expr = any_expr(model, dice, *of, column),
            _ => {}
        },
        Thing::Publication { tables: published, events } => {
            *events = dice.roll(3);
            *published = some(dice, &tables(model), 3);
        }
        Thing::Dictionary { stop } => *stop = !*stop,
        Thing::Configuration { tokens, .. } => *tokens = dice.roll(3),
        Thing::Wrapper { option } | Thing::Server { option, .. } => *option = dice.perhaps(2, |dice| 1 + dice.roll(2)),
        // PostgreSQL cannot convert values of one range to another
        Thing::Range { .. }
        | Thing::Schema
        | Thing::Collation { .. }
        | Thing::Operator { .. }
        | Thing::Cast { .. }
        | Thing::DefaultPrivileges { .. } => {}
    }
    model.objects.get_mut(&id).unwrap().thing = thing;
}

/// The columns whose types are one: those of keys and of what refers to them.
fn tied(model: &Model, column: Id) -> BTreeSet<Id> {
    let mut tied = BTreeSet::from([column]);
    loop {
        let before = tied.len();
        for object in model.objects.values() {
            let Thing::Foreign { columns, key, .. } = &object.thing else { continue };
            let Thing::Key { columns: targets, .. } = model.thing(*key) else { continue };
            for (a, b) in columns.iter().zip(targets) {
                if tied.contains(a) || tied.contains(b) {
                    tied.extend([*a, *b]);
                }
            }
        }
        if tied.len() == before {
            return tied;
        }
    }
}
