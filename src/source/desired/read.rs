//! From texts to statements: split, parsed, classified, with their settings and annotations.

use std::collections::{BTreeMap, BTreeSet};

use pg_query::{NodeEnum, protobuf::ObjectType};

use super::{
    Class, DesiredError, DesiredErrors, Place, SourceFile, attach,
    class::{Follows, Order},
    classify::{self, Verdict},
    order,
    place::{Key, Names, Space},
    settings::{Change, Settings, Tracker},
    split::{Piece, Split},
    substitute,
    syntax::{self, Parsed},
    words,
};
use crate::{
    annotation::{Annotation, Location},
    catalog::Fingerprint,
    source::{
        lex::Token,
        placeholder::{self, Wrong},
    },
    stack::with_large_stack,
};

/// What is said of a statement that is wrong and may have a secret in it: the parser would repeat a word of it.
const UNSAID: &str = "syntax error (what stands here may be a piece of a secret, and is not repeated)";

/// One statement of the desired schema that is to be executed.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL as it is executed, without its semicolon. As long as it is in the file, so that places agree.
    pub text: String,
    /// Where it begins.
    pub at: Location,
    /// When it loads.
    pub class: Class,
    /// The settings in force where it stands: an index into [`Desired`]'s.
    pub(super) settings: usize,
    /// What it creates.
    pub(super) creates: Option<Key>,
    /// What it changes or builds on, where the order of statements matters.
    pub(super) touches: Vec<Key>,
    /// What it refers to and cannot be without.
    pub(super) needs: Vec<Key>,
    /// The role that it creates, or else is about: of [`Class::Role`] only.
    pub(super) role: Option<String>,
    /// What stands before it, of whatever it is, loads before it, and what stands behind it behind it.
    pub(super) barrier: bool,
}

impl Statement {
    /// Whether it creates, updates or drops an extension, and does not only say something about one.
    fn is_about_an_extension(&self) -> bool {
        let mut keys = self.creates.iter().chain(&self.touches);
        self.class == Class::Extension || !self.is_comment() && keys.any(|key| key.space == Space::Extension)
    }

    /// Whether it only says something about an object.
    fn is_comment(&self) -> bool {
        self.text.get(..7).is_some_and(|verb| verb.eq_ignore_ascii_case("comment"))
    }

    /// Whether it stands before the other one, in the same file.
    pub(super) fn stands_before(&self, other: &Self) -> bool {
        self.at.file == other.at.file && self.at < other.at
    }
}

/// Something that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where it stands.
    pub at: Location,
    /// What was done with it: `INSERT skipped: …`.
    pub message: String,
}

/// The desired schema as SQL, in the order of loading.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    /// The statements, in the order of loading.
    pub statements: Vec<Statement>,
    /// The instructions in comments, in the order of the files.
    pub annotations: Vec<Annotation>,
    /// What was left out.
    pub notes: Vec<Note>,
    /// The values that took the place of `${name}`, by that name, and where.
    pub substituted: BTreeMap<String, Vec<Place>>,
    /// The roles that statements name: owners, grantees, members.
    pub roles: BTreeSet<String>,
    /// The different settings under which statements run.
    pub(super) settings: Vec<Settings>,
}

impl Desired {
    /// Changes when what is loaded does, or its order: not with comments, and not with where it stands.
    pub fn fingerprint(&self) -> Fingerprint {
        let statements = self.statements.iter().map(|statement| {
            let Statement { text, at: _, class, settings, creates, touches, needs, role, barrier } =
                statement;
            format!("{class:?} {settings} {creates:?} {touches:?} {needs:?} {role:?} {barrier}\0{text}\0")
        });
        let all: String = statements.collect();
        Fingerprint::of(format!("{all}{:?}{:?}", self.roles, self.settings))
    }

    /// The extensions whose version is named, and the version.
    pub fn extension_versions(&self) -> BTreeMap<String, String> {
        let statements = self.statements.iter().filter(|statement| statement.is_about_an_extension());
        statements.filter_map(|statement| classify::extension_version(&statement.text)).collect()
    }

    /// Whether it creates extensions.
    pub fn has_extensions(&self) -> bool {
        self.statements.iter().any(Statement::is_about_an_extension)
    }
}

/// Reads the desired SQL. The order of the files does not matter.
pub fn parse(files: &[SourceFile]) -> Result<Desired, DesiredErrors> {
    let unreadable = |source| DesiredErrors(vec![DesiredError::NoThread(source)]);
    with_large_stack(|| Reader::read(files)).map_err(unreadable)?
}

#[derive(Default)]
struct Reader {
    desired: Desired,
    errors: Vec<DesiredError>,
    /// Of each statement read, the tables that it copies: it waits for all that belongs to them.
    copies: Vec<Vec<Key>>,
    /// Over all files: when the last statement about something loads.
    latest: BTreeMap<Key, Class>,
    /// For each partition the table that it is attached to.
    parents: BTreeMap<Key, Key>,
    /// The statements that make keys and indexes: of which table, and whether of its partitions, too.
    indexing: Vec<(usize, Key, bool)>,
}

impl Reader {
    fn read(files: &[SourceFile]) -> Result<Desired, DesiredErrors> {
        let mut reader = Self::default();
        let mut sorted: Vec<&SourceFile> = files.iter().collect();
        sorted.sort();
        for file in sorted {
            reader.file(file);
        }
        if !reader.errors.is_empty() {
            return Err(DesiredErrors(reader.errors));
        }
        reader.keep_indexes_in_order();
        let Self { mut desired, copies, latest, .. } = reader;
        let all_copied: BTreeSet<Key> = copies.iter().flatten().cloned().collect();
        for (statement, copied) in desired.statements.iter_mut().zip(copies) {
            // comments are copied too
            if statement.class == Class::Comment && statement.is_comment() {
                let relations = statement.touches.iter().filter_map(Key::of_relation);
                let classes =
                    relations.filter(|key| all_copied.contains(key)).filter_map(|key| latest.get(&key));
                statement.class = classes.copied().max().unwrap_or(Class::Comment);
            }
            let classes = copied.iter().filter_map(|key| latest.get(key));
            statement.class = classes.copied().chain([statement.class]).max().unwrap_or(statement.class);
        }
        desired.statements.sort_by_key(|statement| statement.class);
        desired.statements = order::by_need(desired.statements);
        Ok(desired)
    }

    fn file(&mut self, file: &SourceFile) {
        let mut split = Split::new(&file.name, &file.text);
        self.errors.append(&mut split.errors);
        self.note_placeholders(&split);
        let annotated = attach::has_any(&split);
        let mut items = Vec::new();
        let mut here = InFile { first: self.desired.statements.len(), ..InFile::default() };
        // behind a secret that is written wrongly there may be the rest of it
        let mut secret = false;
        for piece in split.statements.clone() {
            let range = split.range(piece);
            let (text, start) = (&split.text[range.clone()], range.start);
            let tokens = split.tokens_of(piece);
            // rows need no parsing, and there may be many of them
            if piece.data || tokens.first().is_some_and(|first| first.is_word(split.text, "insert")) {
                let message = "trueup manages the schema, not rows";
                self.note(
                    split.location(start),
                    format!("{} skipped: {message}", classify::leading_words(text)),
                );
                continue;
            }
            match syntax::parse(text, tokens, start) {
                Parsed::Wrong(offset, message) => {
                    secret = secret || words::may_have_a_secret(split.text, tokens);
                    let message = if secret { UNSAID.to_owned() } else { message };
                    self.errors.push(DesiredError::Syntax { at: split.location(start + offset), message });
                }
                Parsed::TooDeep => self.unparsed(&split, piece, &mut here),
                Parsed::Tree(tree) => {
                    let names = Names { schema: here.settings.current().schema() };
                    if annotated {
                        items.append(&mut attach::items(&split, piece, &tree, names));
                    }
                    let verdict = classify::verdict(&tree, text, names);
                    let text = executed(&split, piece, &tree);
                    self.decide(&split, start, text, verdict, &mut here);
                }
            }
        }
        self.place_default_privileges(&here);
        if annotated {
            let mut annotations = attach::annotations(&split, &items, &mut self.errors);
            self.desired.annotations.append(&mut annotations);
        }
    }

    /// What is taken as it stands, though it may have been meant to stand for something else.
    fn note_placeholders(&mut self, split: &Split<'_>) {
        let mut names = BTreeSet::new();
        for found in substitute::found(split).into_iter().filter(|found| names.insert(found.name)) {
            let message = format!(
                "${{{}}} is taken literally; a value takes its place only in annotations, and where the environment of \
                 trueup.toml says `substitute = true`",
                found.name
            );
            self.note(split.location(found.range.start), message);
        }
    }

    fn note(&mut self, at: Location, message: String) {
        self.desired.notes.push(Note { at, message });
    }

    /// A statement without a tree is told by its words.
    fn unparsed(&mut self, split: &Split<'_>, piece: Piece, here: &mut InFile) {
        let tokens = split.tokens_of(piece);
        let words = words::words(split.text, tokens.get(..24).unwrap_or(tokens));
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let text = split.text[split.range(piece)].to_owned();
        let verdict = match words::class_of(&words) {
            Some(class) => Verdict::Load(Order::new(class)),
            None => Verdict::Refuse(
                classify::leading_words(&text),
                "it is too large to tell what it is; write DDL, in smaller statements",
            ),
        };
        self.decide(split, tokens.first().map_or(0, |first| first.start), text, verdict, here);
    }

    fn decide(&mut self, split: &Split<'_>, start: usize, text: String, verdict: Verdict, here: &mut InFile) {
        let at = split.location(start);
        match verdict {
            Verdict::Skip(message) => self.note(at, message),
            Verdict::Transaction { begins } => here.settings.transaction(begins),
            Verdict::Refuse(what, advice) => {
                self.errors.push(DesiredError::Refused { at, what, advice: advice.to_owned() });
            }
            Verdict::Setting(Change::Refused(advice)) => {
                let what = text.split_whitespace().collect::<Vec<_>>().join(" ");
                self.errors.push(DesiredError::Refused { at, what, advice: advice.to_owned() });
            }
            Verdict::Setting(change) => here.settings.change(&change),
            Verdict::Load(order) => {
                let wrong = placeholder::wrong(&text).into_iter().map(|Wrong { at, what, advice }| {
                    DesiredError::Refused { at: split.location(start + at), what, advice }
                });
                self.errors.extend(wrong);
                self.keep(at, text, order, here);
            }
        }
    }

    fn keep(&mut self, at: Location, text: String, mut order: Order, here: &mut InFile) {
        let earlier = || order.touches.iter().filter_map(|key| here.latest.get(key)).max().copied();
        // a block of code may look at anything
        let mut barrier = text.get(..2).is_some_and(|verb| verb.eq_ignore_ascii_case("do"));
        match order.follows {
            Follows::Nothing => {}
            Follows::All => order.class = order.class.max(here.reached),
            Follows::Taken | Follows::Dropped if earlier().is_some() => {
                barrier = true;
                here.script_from = here.reached_at_all;
                order.class = here.script_from;
            }
            Follows::Same | Follows::Taken => {
                order.class = order.class.max(earlier().unwrap_or(Class::Schema));
            }
            Follows::Dropped => {
                if order.touches != [Key::new(Space::Schema, vec!["public".to_owned()])] {
                    return;
                }
                order.class = Class::Schema;
            }
        }
        let script = here.script_from > Class::Role;
        if order.class == Class::DefaultPrivileges && script {
            // for what stands behind them, and nothing else
            order.class = here.script_from;
            barrier = true;
        } else if order.class != Class::Role {
            order.class = order.class.max(here.script_from);
        }
        if let Some([child, parent]) = order.partition.take() {
            self.parents.insert(child, parent);
        }
        if let (Class::Constraint | Class::Index, Some(table)) = (order.class, order.touches.first()) {
            self.indexing.push((self.desired.statements.len(), table.clone(), !order.only));
        }
        let Order { class, creates, touches, needs, copies, role, names_roles, .. } = order;
        if class <= Class::MaterializedView {
            here.reached = here.reached.max(class);
        }
        here.reached_at_all = here.reached_at_all.max(class);
        for key in creates.iter().chain(&touches) {
            // owners, comments and grants come last, and nothing has to wait for them
            if class <= Class::MaterializedView
                || creates.as_ref() == Some(key)
                || matches!(key.space, Space::Part | Space::Other)
            {
                for key in [Some(key.clone()), key.any_overload()].into_iter().flatten() {
                    for latest in [&mut here.latest, &mut self.latest] {
                        let slot = latest.entry(key.clone()).or_insert(class);
                        *slot = class.max(*slot);
                    }
                }
            }
        }
        self.desired.roles.extend(names_roles);
        self.desired.roles.extend(role.clone());
        let settings = self.intern(here.settings.current());
        self.copies.push(copies);
        self.desired.statements.push(Statement {
            text,
            at,
            class,
            settings,
            creates,
            touches,
            needs,
            role,
            barrier,
        });
    }

    /// An index of a partitioned table takes what its partitions have by then: those of a tree of partitions are made in
    /// the order of the files, if any is made of all of them.
    fn keep_indexes_in_order(&mut self) {
        let partitioned: BTreeSet<&Key> = self.parents.values().collect();
        // more levels than that nobody has, and a circle ends
        let root = |table: &Key| {
            std::iter::successors(Some(table), |table| self.parents.get(*table)).take(99).last().cloned()
        };
        let of_all = self.indexing.iter().filter(|(_, table, of_all)| *of_all && partitioned.contains(table));
        let roots: BTreeSet<Key> = of_all.filter_map(|(_, table, _)| root(table)).collect();
        for (statement, table, _) in &self.indexing {
            if let Some(root) = root(table).filter(|root| roots.contains(root)) {
                self.desired.statements[*statement].touches.push(root);
            }
        }
    }

    /// The number of these settings.
    fn intern(&mut self, settings: &Settings) -> usize {
        let known = &mut self.desired.settings;
        known.iter().rposition(|other| other == settings).unwrap_or_else(|| {
            known.push(settings.clone());
            known.len() - 1
        })
    }

    /// Default privileges that stand before all objects of their file are meant for them; others for what comes later.
    fn place_default_privileges(&mut self, here: &InFile) {
        let on_schemas = Key::default_privileges(ObjectType::ObjectSchema);
        let statements = &mut self.desired.statements[here.first..];
        let mut schemas = statements.iter().any(|statement| statement.class == Class::Schema);
        let mut objects =
            statements.iter().any(|statement| (Class::Type..Class::Owner).contains(&statement.class));
        for statement in statements {
            match statement.class {
                Class::Schema => schemas = false,
                Class::DefaultPrivileges if schemas && statement.touches.contains(&on_schemas) => {
                    statement.class = Class::SchemaDefaultPrivileges;
                }
                Class::DefaultPrivileges if objects => statement.class = Class::EarlyDefaultPrivileges,
                class => objects &= !(Class::Type..Class::Owner).contains(&class),
            }
        }
    }
}

/// What is known within one file.
struct InFile {
    settings: Tracker,
    /// When the last statement about something loads.
    latest: BTreeMap<Key, Class>,
    /// When the last statement of all loads that makes something which others build on.
    reached: Class,
    /// When the last statement of all loads.
    reached_at_all: Class,
    /// The class of the last statement that dropped something made here: nothing behind it loads earlier.
    script_from: Class,
    /// The index of the file's first statement.
    first: usize,
}

impl Default for InFile {
    fn default() -> Self {
        Self {
            settings: Tracker::default(),
            latest: BTreeMap::new(),
            reached: Class::Schema,
            reached_at_all: Class::Schema,
            script_from: Class::Role,
            first: 0,
        }
    }
}

/// The statement as it is executed: in an empty database, so that nothing is to be gained by `CONCURRENTLY`, which is
/// blanked out so that places stay what they are.
fn executed(split: &Split<'_>, piece: Piece, tree: &NodeEnum) -> String {
    let range = split.range(piece);
    let mut text = split.text[range.clone()].to_owned();
    let concurrent = match tree {
        NodeEnum::IndexStmt(index) => index.concurrent,
        NodeEnum::RefreshMatViewStmt(view) => view.concurrent,
        NodeEnum::DropStmt(drop) => drop.concurrent,
        NodeEnum::AlterTableStmt(_) => true,
        _ => false,
    };
    if concurrent {
        let tokens = split.tokens_of(piece);
        let mut words = tokens.iter().filter(|lexeme| lexeme.token != Token::Comment);
        let found = words.find(|lexeme| lexeme.is_word(split.text, "concurrently"));
        if let Some(lexeme) = found {
            let within = lexeme.start - range.start..lexeme.end - range.start;
            let blanks = " ".repeat(within.len());
            text.replace_range(within, &blanks);
        }
    }
    text
}
