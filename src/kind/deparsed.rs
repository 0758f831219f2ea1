//! The texts that PostgreSQL deparses: expressions and definitions. Loading such a text and deparsing it again may
//! print it in another way, and mean the same.

use super::{Object, constraint::ConstraintType};

impl Object {
    /// The object but for the texts that PostgreSQL deparses.
    #[must_use]
    pub fn without_texts(&self) -> Self {
        let mut object = self.clone();
        blank(&mut object);
        object
    }

    /// Whether it has such a text.
    pub fn has_texts(&self) -> bool {
        self.without_texts() != *self
    }
}

fn blank(object: &mut Object) {
    let text = String::new;
    match object {
        Object::View(view) => {
            view.definition = text();
            view.columns.clear();
        }
        Object::MaterializedView(view) => view.definition = text(),
        Object::Rule(rule) => rule.definition = text(),
        Object::Default(default) => default.expression = text(),
        Object::Constraint(constraint) => {
            if matches!(constraint.contype, ConstraintType::Check | ConstraintType::Exclusion) {
                constraint.definition = text();
            }
        }
        Object::Index(index) if index.computed => index.definition = text(),
        Object::Trigger(trigger) => trigger.definition = text(),
        Object::Statistics(statistics) => statistics.definition = text(),
        Object::Policy(policy) => {
            policy.using = policy.using.as_ref().map(|_| text());
            policy.check = policy.check.as_ref().map(|_| text());
        }
        Object::Column(column) => {
            if let Some(generated) = &mut column.generated {
                generated.expression = text();
            }
        }
        Object::Function(function) => function.definition = text(),
        Object::Domain(domain) => {
            domain.default = domain.default.as_ref().map(|_| text());
        }
        Object::DomainConstraint(constraint) => constraint.definition = text(),
        Object::Attachment(attachment) => attachment.bound = text(),
        _ => {}
    }
}
