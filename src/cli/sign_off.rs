//! What approvals come to, for who gives one and for who checks a plan: where it counts and what is missing, and who signed what.

use jiff::Timestamp;
use serde_json::{Value, json};
use trueup::{
    apply::permission::Permission,
    approval::{self, Approval, Approver, Missing},
    config::Policy,
    plan::PlanFile,
    step::{Direction, Phase},
    visible::visible_line,
};

use super::exit::CliError;

/// What an approval that was just given is worth in one environment, as far as trueup.toml says.
pub struct Standing {
    environment: Option<String>,
    /// Why it does not count.
    void: Option<String>,
    /// What the phases still need.
    missing: Vec<String>,
}

impl Standing {
    /// What the approval of these phases by this person is worth under a policy.
    pub fn of(
        plan: &PlanFile,
        policy: &Policy,
        approver: &Approver,
        phases: &[Phase],
        direction: Direction,
    ) -> Result<Self, CliError> {
        let now = Timestamp::now();
        let approvals = approval::read_checked(plan, policy, now)?;
        let permission = Permission::by_file(plan, policy, &approvals, now)?;
        let (mut void, mut missing) = (None, permission.planned().err().unwrap_or_default());
        for phase in phases {
            let tally = permission.tally(plan, *phase, direction);
            void = void.or_else(|| tally.void_of(approver).map(ToString::to_string));
            // somebody may have broken the glass
            if let Err(found) = tally.covered() {
                missing.extend(found.into_iter().filter(|one| !matches!(one, Missing::Void { .. })));
            }
        }
        let missing = missing.iter().map(ToString::to_string).collect();
        Ok(Self { environment: policy.environment.clone(), void, missing })
    }

    /// In one line.
    pub fn line(&self) -> String {
        let place = self.environment.as_ref().map_or_else(|| "it".to_owned(), |name| format!("in {name} it"));
        let counts = match &self.void {
            None => "counts".to_owned(),
            Some(why) => format!("does not count: {why}"),
        };
        let rest = if self.missing.is_empty() {
            "nothing is missing".to_owned()
        } else {
            format!("still missing: {}", self.missing.join(", "))
        };
        visible_line(&format!("{place} {counts}; {rest}")).into_owned()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let Self { environment, void, missing } = self;
        json!({ "environment": environment, "counts": void.is_none(), "why": void, "missing": missing })
    }
}

/// One approval that counts, as a line of the sign-off table.
pub struct Row {
    phase: Phase,
    roles: Vec<String>,
    approval: Approval,
}

/// The approvals that count for a phase.
pub fn rows(permission: &Permission, plan: &PlanFile, phase: Phase, direction: Direction) -> Vec<Row> {
    let policy = &permission.policy;
    let counted = permission.tally(plan, phase, direction).counted;
    let row = |approval: Approval| {
        let roles = policy.members.keys().filter(|role| approval::is_in(&approval, role, policy));
        Row { phase, roles: roles.cloned().collect(), approval }
    };
    counted.into_iter().map(row).collect()
}

impl Row {
    fn columns(&self) -> [String; 6] {
        let Self { phase, roles, approval } = self;
        let accepts: Vec<&str> = approval.accepts.iter().map(String::as_str).collect();
        let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        [
            phase.label().to_owned(),
            or_none(roles.join(", ")),
            approval.approver.to_string(),
            approval.created.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            approval.signed.key().unwrap_or("no").to_owned(),
            or_none(accepts.join(", ")),
        ]
        .map(|column| visible_line(&column).into_owned())
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let Self { phase, roles, approval } = self;
        json!({
            "phase": phase, "roles": roles, "approver": approval.approver, "created": approval.created,
            "key": approval.signed.key(), "accepts": approval.accepts, "reason": approval.reason,
        })
    }
}

/// The sign-off table, a line for each approval that counts; nothing, where there is none.
pub fn table(rows: &[Row]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let head = ["phase", "role", "who", "when", "signed", "accepts"].map(str::to_owned);
    let lines: Vec<[String; 6]> = [head].into_iter().chain(rows.iter().map(Row::columns)).collect();
    let widths = [0, 1, 2, 3, 4]
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default());
    let line = |columns: &[String; 6]| {
        let cells = columns.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let cells: Vec<String> = cells.chain([columns[5].clone()]).collect();
        format!("  {}", cells.join("  "))
    };
    lines.iter().map(line).collect()
}
