//! The texts that PostgreSQL deparses: expressions and definitions. Loading such a text and deparsing it again may
//! print it in another way, and mean the same.

use super::{Object, constraint::ConstraintType};

impl Object {
    /// The object but for the texts that PostgreSQL deparses.
    #[must_use]
    pub fn without_texts(&self) -> Self {
        self.split_texts().0
    }

    /// Whether it has such a text.
    pub fn has_texts(&self) -> bool {
        !self.texts().is_empty()
    }

    /// The texts that PostgreSQL deparses.
    pub fn texts(&self) -> Vec<String> {
        self.split_texts().1
    }

    fn split_texts(&self) -> (Self, Vec<String>) {
        let (mut object, mut texts) = (self.clone(), Vec::new());
        for text in texts_of(&mut object) {
            texts.push(std::mem::take(text));
        }
        texts.retain(|text| !text.is_empty());
        if let Object::View(view) = &mut object {
            view.columns.clear();
        }
        (object, texts)
    }
}

fn texts_of(object: &mut Object) -> Vec<&mut String> {
    match object {
        Object::View(view) => vec![&mut view.definition],
        Object::MaterializedView(view) => vec![&mut view.definition],
        Object::Rule(rule) => vec![&mut rule.definition],
        Object::Default(default) => vec![&mut default.expression],
        Object::Constraint(constraint)
            if matches!(constraint.contype, ConstraintType::Check | ConstraintType::Exclusion) =>
        {
            vec![&mut constraint.definition]
        }
        Object::Index(index) if index.body.is_computed() => {
            std::iter::once(&mut index.body.using).chain(&mut index.body.predicate).collect()
        }
        Object::Trigger(trigger) => vec![&mut trigger.definition],
        Object::Statistics(statistics) => statistics.expressions.iter_mut().collect(),
        Object::Policy(policy) => policy.using.iter_mut().chain(&mut policy.check).collect(),
        Object::Column(column) => {
            column.generated.iter_mut().map(|generated| &mut generated.expression).collect()
        }
        Object::Function(function) => vec![&mut function.definition],
        Object::DomainDefault(default) => vec![&mut default.expression],
        Object::DomainConstraint(constraint) => vec![&mut constraint.condition],
        Object::Attachment(attachment) => vec![&mut attachment.bound],
        _ => Vec::new(),
    }
}
