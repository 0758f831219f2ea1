//! Finds the object that an annotation is on: the one on the comment's line, or the one directly below it.

use pg_query::{
    NodeEnum,
    protobuf::{AlterTableType, ConstrType, Constraint, Node, ObjectType},
};

use crate::{
    annotation::{Annotation, AnnotationTarget, Instruction},
    name::Kind,
    source::lex::{Lexeme, Token},
};

use super::{
    DesiredError,
    place::Names,
    split::{Piece, Split},
};

/// Something in a file that an annotation can be on, and its bytes.
pub(super) struct Item {
    start: usize,
    end: usize,
    target: AnnotationTarget,
}

/// Whether a file has annotations at all: few do, and items cost.
pub(super) fn has_any(split: &Split<'_>) -> bool {
    split.tokens.iter().any(|lexeme| annotation_text(split, lexeme).is_some())
}

/// The annotation in a comment, from its `@` on, and where that is.
fn annotation_text<'a>(split: &Split<'a>, lexeme: &Lexeme) -> Option<(usize, &'a str)> {
    if lexeme.token != Token::Comment {
        return None;
    }
    let comment: &'a str = split.text.get(lexeme.start..lexeme.end)?;
    let inside = match comment.strip_prefix("--") {
        Some(line) => line,
        None => comment.strip_prefix("/*")?.strip_suffix("*/")?,
    };
    let begin = inside.trim_start();
    let word = begin.strip_prefix('@')?.starts_with(|c: char| c.is_alphabetic() || c == '_');
    word.then(|| (lexeme.start + 2 + inside.len() - begin.len(), begin.trim_end()))
}

/// The file's annotations, each with its target.
pub(super) fn annotations(
    split: &Split<'_>,
    items: &[Item],
    errors: &mut Vec<DesiredError>,
) -> Vec<Annotation> {
    let mut found = Vec::new();
    for (index, lexeme) in split.tokens.iter().enumerate() {
        let Some((offset, text)) = annotation_text(split, lexeme) else { continue };
        let at = split.location(offset);
        match Instruction::parse(text)
            .and_then(|instruction| checked(instruction, item_of(split, items, index)))
        {
            Ok((instruction, target)) => found.push(Annotation { target, instruction, at }),
            Err(message) => errors.push(DesiredError::Annotation { at, message }),
        }
    }
    found
}

fn checked(instruction: Instruction, item: Option<&Item>) -> Result<(Instruction, AnnotationTarget), String> {
    let word = instruction.word();
    let Some(item) = item else {
        return Err(format!(
            "@{word} belongs to nothing\n  put it on the line of the object it is about, or on the line directly above"
        ));
    };
    if !matches!(instruction, Instruction::Renamed { .. }) && !item.target.is_column() {
        return Err(format!(
            "@{word} is on {}, and only columns have values\n  put it on a column's line",
            item.target
        ));
    }
    for expression in instruction.expressions() {
        if let Some(wrong) = wrong_expression(expression) {
            return Err(format!("@{word}: `{expression}` is not an SQL expression: {wrong}"));
        }
    }
    Ok((instruction, item.target.clone()))
}

/// What is wrong with an expression, in which `${name}` stands for a value.
fn wrong_expression(expression: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = expression;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}') else { break };
        plain.push_str(&rest[..start]);
        plain.push_str("NULL");
        rest = &rest[start + end + 1..];
    }
    plain.push_str(rest);
    match pg_query::parse(&format!("SELECT ({plain}\n)"), 0) {
        Ok(parsed) => {
            let one = matches!(parsed.protobuf.stmts.as_slice(), [raw] if matches!(
                raw.stmt.as_ref().and_then(|node| node.node.as_ref()),
                Some(NodeEnum::SelectStmt(select)) if select.target_list.len() == 1 && select.from_clause.is_empty()
            ));
            (!one).then(|| "it holds more than one".to_owned())
        }
        Err(pg_query::Error::Parse(message)) => Some(message),
        Err(_) => None,
    }
}

/// The item that the comment at `index` is on.
fn item_of<'a>(split: &Split<'_>, items: &'a [Item], index: usize) -> Option<&'a Item> {
    let comment = split.tokens[index];
    let line = split.line(comment.start);
    let before = split.tokens[..index].iter().rev().find(|lexeme| lexeme.token != Token::Comment);
    if let Some(before) = before.filter(|before| split.line(before.end.saturating_sub(1)) == line) {
        // an item ends behind its comma or semicolon
        return items
            .iter()
            .filter(|item| item.start <= before.start && before.end <= item.end)
            .max_by_key(|item| (item.start, std::cmp::Reverse(item.end)));
    }
    let mut last_line = split.line(comment.end.saturating_sub(1));
    for lexeme in &split.tokens[index + 1..] {
        if split.line(lexeme.start) > last_line + 1 {
            return None;
        }
        if lexeme.token != Token::Comment {
            return items.iter().find(|item| item.start == lexeme.start);
        }
        last_line = split.line(lexeme.end.saturating_sub(1));
    }
    None
}

/// The items of one statement, the statement's own last.
pub(super) fn items(split: &Split<'_>, piece: Piece, tree: &NodeEnum, names: Names<'_>) -> Vec<Item> {
    let code: Vec<Lexeme> =
        split.tokens_of(piece).iter().filter(|lexeme| lexeme.token != Token::Comment).copied().collect();
    let mut here = Here { split, base: split.range(piece).start, code, names, items: Vec::new() };
    here.statement(tree);
    here.items
}

struct Here<'a> {
    split: &'a Split<'a>,
    /// Where the statement begins: places in its tree count from there.
    base: usize,
    /// The statement's tokens without comments.
    code: Vec<Lexeme>,
    names: Names<'a>,
    items: Vec<Item>,
}

impl Here<'_> {
    fn statement(&mut self, tree: &NodeEnum) {
        use NodeEnum as N;
        let names = self.names;
        match tree {
            N::CreateStmt(table) => self.table(table),
            N::CreateForeignTableStmt(table) => {
                if let Some(base) = &table.base_stmt {
                    self.table(base);
                }
            }
            N::CreateTableAsStmt(table) => {
                let kind = match table.objtype() {
                    ObjectType::ObjectMatview => Kind::MaterializedView,
                    _ => Kind::Table,
                };
                if let Some(name) = table.into.as_ref().and_then(|into| into.rel.as_ref()) {
                    self.whole(&[kind], names.relation_path(name));
                }
            }
            N::AlterTableStmt(alter) => {
                let Some(relation) = &alter.relation else { return };
                let path = names.relation_path(relation);
                let only = alter.cmds.len() == 1;
                for node in &alter.cmds {
                    let Some(N::AlterTableCmd(command)) = &node.node else { continue };
                    let of_type = alter.objtype() == ObjectType::ObjectType;
                    let target =
                        match (command.subtype(), command.def.as_ref().and_then(|def| def.node.as_ref())) {
                            (AlterTableType::AtAddColumn, Some(N::ColumnDef(column))) if of_type => Some((
                                column.location,
                                AnnotationTarget::Attribute {
                                    of: path.clone(),
                                    name: column.colname.clone(),
                                },
                            )),
                            (AlterTableType::AtAddColumn, Some(N::ColumnDef(column))) => {
                                Some((column.location, object(Kind::Column, &path, &column.colname)))
                            }
                            (AlterTableType::AtAddConstraint, Some(N::Constraint(constraint)))
                                if !constraint.conname.is_empty() =>
                            {
                                Some((
                                    constraint.location,
                                    object(Kind::Constraint, &path, &constraint.conname),
                                ))
                            }
                            _ => None,
                        };
                    match target {
                        Some((_, target)) if only => self.add_whole(target),
                        Some((location, target)) => self.command(location, target),
                        None => {}
                    }
                }
            }
            N::ViewStmt(view) => {
                if let Some(name) = &view.view {
                    self.whole(&[Kind::View], names.relation_path(name));
                }
            }
            N::IndexStmt(index) => {
                if let (Some(relation), false) = (&index.relation, index.idxname.is_empty()) {
                    let schema = names.relation_path(relation).remove(0);
                    self.whole(&[Kind::Index], vec![schema, index.idxname.clone()]);
                }
            }
            N::CreateEnumStmt(kind) => {
                let path = names.path(&kind.type_name);
                let labels = super::place::strings(&kind.vals);
                let strings: Vec<Lexeme> =
                    self.code.iter().filter(|lexeme| lexeme.token == Token::String).copied().collect();
                for (label, lexeme) in labels.into_iter().zip(strings) {
                    self.element(lexeme.start, AnnotationTarget::Label { of: path.clone(), label });
                }
                self.whole(&[Kind::Enum], path);
            }
            N::AlterEnumStmt(kind) if kind.old_val.is_empty() => {
                let of = names.path(&kind.type_name);
                self.add_whole(AnnotationTarget::Label { of, label: kind.new_val.clone() });
            }
            N::CompositeTypeStmt(kind) => {
                let Some(name) = &kind.typevar else { return };
                let path = names.relation_path(name);
                for node in &kind.coldeflist {
                    if let Some(N::ColumnDef(column)) = &node.node {
                        let target =
                            AnnotationTarget::Attribute { of: path.clone(), name: column.colname.clone() };
                        self.element(self.offset(column.location), target);
                    }
                }
                self.whole(&[Kind::Composite], path);
            }
            N::CreateDomainStmt(kind) => self.whole(&[Kind::Domain], names.path(&kind.domainname)),
            N::CreateRangeStmt(kind) => self.whole(&[Kind::Range], names.path(&kind.type_name)),
            N::CreateFunctionStmt(function) => self.whole(&[Kind::Function], names.path(&function.funcname)),
            N::DefineStmt(define) => match define.kind() {
                ObjectType::ObjectAggregate => self.whole(&[Kind::Aggregate], names.path(&define.defnames)),
                ObjectType::ObjectCollation => self.whole(&[Kind::Collation], names.path(&define.defnames)),
                _ => {}
            },
            N::CreateSeqStmt(sequence) => {
                if let Some(name) = &sequence.sequence {
                    self.whole(&[Kind::Sequence], names.relation_path(name));
                }
            }
            N::CreateSchemaStmt(schema) => self.whole(&[Kind::Schema], vec![schema.schemaname.clone()]),
            _ => {}
        }
    }

    fn table(&mut self, table: &pg_query::protobuf::CreateStmt) {
        let Some(relation) = &table.relation else { return };
        let path = self.names.relation_path(relation);
        for node in &table.table_elts {
            match &node.node {
                Some(NodeEnum::ColumnDef(column)) => {
                    self.element(self.offset(column.location), object(Kind::Column, &path, &column.colname));
                    self.inline_constraints(&column.constraints, &path);
                }
                Some(NodeEnum::Constraint(constraint)) if !constraint.conname.is_empty() => {
                    self.element(
                        self.offset(constraint.location),
                        object(Kind::Constraint, &path, &constraint.conname),
                    );
                }
                _ => {}
            }
        }
        self.whole(&[Kind::Table], path);
    }

    /// A constraint among a column's attributes is an item of its own only where its line begins with it:
    /// otherwise the line is the column's.
    fn inline_constraints(&mut self, constraints: &[Node], path: &[String]) {
        for node in constraints {
            let Some(NodeEnum::Constraint(constraint)) = &node.node else { continue };
            if constraint.conname.is_empty() || is_no_object(constraint) {
                continue;
            }
            let start = self.offset(constraint.location);
            let index = self.code.partition_point(|lexeme| lexeme.start < start);
            let alone = index > 0
                && self.split.line(self.code[index - 1].end.saturating_sub(1)) < self.split.line(start);
            if alone {
                self.element(start, object(Kind::Constraint, path, &constraint.conname));
            }
        }
    }

    fn offset(&self, location: i32) -> usize {
        self.base + usize::try_from(location).unwrap_or(0)
    }

    /// What begins at `start` and goes on to its comma or to the parenthesis that closes around it.
    fn element(&mut self, start: usize, target: AnnotationTarget) {
        let mut depth = 0usize;
        let mut end = start;
        for lexeme in self.code.iter().skip_while(|lexeme| lexeme.start < start) {
            match lexeme.of(self.split.text) {
                "(" => depth += 1,
                ")" if depth == 0 => break,
                ")" => depth -= 1,
                "," if depth == 0 => {
                    end = lexeme.end;
                    break;
                }
                _ => {}
            }
            end = lexeme.end;
        }
        self.items.push(Item { start, end, target });
    }

    /// One of several commands of an `ALTER TABLE`: from its `ADD` on.
    fn command(&mut self, location: i32, target: AnnotationTarget) {
        let offset = self.offset(location);
        let behind = self.code.partition_point(|lexeme| lexeme.start <= offset);
        let add = self.code[..behind].iter().rev().find(|lexeme| lexeme.is_word(self.split.text, "add"));
        let start = add.map_or(offset, |lexeme| lexeme.start);
        self.element(start, target);
    }

    fn whole(&mut self, kinds: &[Kind], path: Vec<String>) {
        self.add_whole(AnnotationTarget::Object { kinds: kinds.to_vec(), path });
    }

    /// The statement itself, with its semicolon.
    fn add_whole(&mut self, target: AnnotationTarget) {
        let last = self.code.last().map_or(self.base, |lexeme| lexeme.end);
        let after = self.split.tokens.partition_point(|lexeme| lexeme.start < last);
        let semicolon = self.split.tokens[after..].iter().find(|lexeme| lexeme.token != Token::Comment);
        let end = semicolon
            .filter(|lexeme| lexeme.is_symbol(self.split.text, ";"))
            .map_or(last, |lexeme| lexeme.end);
        self.items.push(Item { start: self.base, end, target });
    }
}

/// Whether it is an attribute of its column rather than an object.
fn is_no_object(constraint: &Constraint) -> bool {
    !matches!(
        constraint.contype(),
        ConstrType::ConstrCheck
            | ConstrType::ConstrPrimary
            | ConstrType::ConstrUnique
            | ConstrType::ConstrExclusion
            | ConstrType::ConstrForeign
    )
}

fn object(kind: Kind, relation: &[String], name: &str) -> AnnotationTarget {
    let mut path = relation.to_vec();
    path.push(name.to_owned());
    AnnotationTarget::Object { kinds: vec![kind], path }
}
