//! When CREATE TABLE and ALTER TABLE load: what they refer to comes first.

use pg_query::{
    NodeEnum,
    protobuf::{
        AlterTableCmd, AlterTableStmt, AlterTableType, ConstrType, CreateStmt, Node, ObjectType, RangeVar,
    },
};

use super::{
    Class,
    class::{Follows, Order},
    classify::role_name,
    place::Names,
};

pub(super) fn create_table(table: &CreateStmt, names: Names<'_>) -> Order {
    let mut order = Order::new(Class::Table);
    order.creates = table.relation.as_ref().map(|name| names.relation(name));
    for node in &table.inh_relations {
        if let Some(NodeEnum::RangeVar(parent)) = &node.node {
            order.needs.push(names.relation(parent));
        }
    }
    if let (Some(_), Some(child), Some(parent)) = (&table.partbound, &order.creates, order.needs.first()) {
        order.partition = Some([child.clone(), parent.clone()]);
    }
    let mut refer = |constraints: &[Node]| {
        for node in constraints {
            if let Some(NodeEnum::Constraint(constraint)) = &node.node {
                order.needs.extend(constraint.pktable.as_ref().map(|table| names.relation(table)));
            }
        }
    };
    refer(&table.table_elts);
    for node in &table.table_elts {
        if let Some(NodeEnum::ColumnDef(column)) = &node.node {
            refer(&column.constraints);
        }
    }
    for node in &table.table_elts {
        if let Some(NodeEnum::TableLikeClause(like)) = &node.node {
            order.class = Class::TableCopy;
            order.copies.extend(like.relation.as_ref().map(|name| names.relation(name)));
            order.needs.clone_from(&order.copies);
        }
    }
    order
}

pub(super) fn alter_table(alter: &AlterTableStmt, names: Names<'_>) -> Order {
    use AlterTableType as T;
    let mut order = Order::new(Class::TableChange);
    order.touches.extend(alter.relation.as_ref().map(|name| names.relation(name)));
    order.only = alter.relation.as_ref().is_some_and(|name| !name.inh);
    let commands: Vec<&AlterTableCmd> = alter
        .cmds
        .iter()
        .filter_map(|node| match &node.node {
            Some(NodeEnum::AlterTableCmd(command)) => Some(&**command),
            _ => None,
        })
        .collect();
    for command in &commands {
        order.names_roles.extend(command.newowner.as_ref().and_then(role_name));
        let constraint = match command.def.as_ref().and_then(|def| def.node.as_ref()) {
            Some(NodeEnum::Constraint(constraint)) => Some(constraint),
            _ => None,
        };
        if let (Some(constraint), Some(relation)) = (constraint, &alter.relation)
            && !constraint.conname.is_empty()
        {
            order.touches.push(names.part(relation, &constraint.conname));
        }
        let other = other_table(command).map(|table| names.relation(table));
        if let (T::AtAttachPartition, Some(child), Some(parent)) =
            (command.subtype(), &other, order.touches.first())
        {
            order.partition = Some([child.clone(), parent.clone()]);
        }
        order.touches.extend(other);
        let (class, follows) = match command.subtype() {
            T::AtChangeOwner => (Class::Owner, false),
            T::AtColumnDefault | T::AtAddIdentity | T::AtSetIdentity => (Class::Default, false),
            T::AtAddConstraint => match constraint.map(|constraint| constraint.contype()) {
                Some(ConstrType::ConstrForeign) => (Class::ForeignKey, false),
                _ => (Class::Constraint, false),
            },
            T::AtDropConstraint | T::AtValidateConstraint | T::AtAlterConstraint => (Class::Constraint, true),
            T::AtReplicaIdentity | T::AtClusterOn | T::AtDropCluster => (Class::IndexChange, false),
            T::AtEnableTrig
            | T::AtEnableAlwaysTrig
            | T::AtEnableReplicaTrig
            | T::AtDisableTrig
            | T::AtEnableTrigAll
            | T::AtDisableTrigAll
            | T::AtEnableTrigUser
            | T::AtDisableTrigUser => (Class::Trigger, false),
            T::AtEnableRule | T::AtEnableAlwaysRule | T::AtEnableReplicaRule | T::AtDisableRule => {
                (Class::Rule, false)
            }
            T::AtDropIdentity
            | T::AtDropExpression
            | T::AtSetExpression
            | T::AtDropColumn
            // to attach takes an index or a key that is there for the parent's, and makes one where there is none
            | T::AtAttachPartition
            | T::AtDetachPartition
            | T::AtDetachPartitionFinalize
            | T::AtAddInherit
            | T::AtDropInherit => (Class::TableChange, true),
            _ => (Class::TableChange, false),
        };
        let floor = match alter.objtype() {
            ObjectType::ObjectIndex => Class::IndexChange,
            ObjectType::ObjectView => Class::View,
            ObjectType::ObjectMatview => Class::MaterializedView,
            ObjectType::ObjectSequence => Class::SequenceChange,
            ObjectType::ObjectType => Class::TypeChange,
            _ => class,
        };
        let class = match alter.objtype() {
            ObjectType::ObjectType if class != Class::Owner => Class::TypeChange,
            _ => class.max(floor),
        };
        let takes = matches!(command.subtype(), T::AtDropColumn | T::AtDropConstraint);
        order.follows = order.follows.max(match follows {
            // what may be missing is dropped before it is added, by files that may run twice
            true if takes && !command.missing_ok => Follows::Taken,
            true => Follows::Same,
            false => Follows::Nothing,
        });
        order.class = if commands.len() == 1 { class } else { order.class.max(class) };
    }
    order
}

/// The partition that is attached or detached, or the parent that is inherited from.
fn other_table(command: &AlterTableCmd) -> Option<&RangeVar> {
    match command.def.as_ref()?.node.as_ref()? {
        NodeEnum::PartitionCmd(partition) => partition.name.as_ref(),
        NodeEnum::RangeVar(parent) => Some(parent),
        _ => None,
    }
}
