//! The review page of a plan: `README.md` in its folder.

use super::{
    fold::{Fold, folded},
    seen, shell,
};
use crate::{
    approval::dangers,
    facts,
    hazard::{Hazard, Level},
    plan::{
        Digest, Given, Plan,
        compatibility::{compatibility, waits_on_the_way_back},
        staleness::Difference,
    },
    sql::Sql,
    step::Phase,
    visible::{visible, visible_line},
};

/// The review page: what it adds up to, what needs a decision, then every step with its way back.
pub fn plan(plan: &Plan, digest: &Digest) -> String {
    let mut page = Page(String::new());
    head(&mut page, plan, digest);
    decisions(&mut page, plan);
    let folds: Vec<(Phase, Vec<Fold<'_>>)> =
        plan.phases().into_iter().map(|phase| (phase, folded(plan, phase))).collect();
    if !plan.steps.is_empty() {
        code_table(&mut page, plan);
        overview(&mut page, folds.iter().flat_map(|(_, folds)| folds));
    }
    for (phase, folds) in &folds {
        page.line("");
        page.line(&format!("## {}", title(*phase)));
        for fold in folds {
            detail(&mut page, fold);
        }
    }
    remarks(&mut page, plan);
    way_on(&mut page, plan);
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn sql(&mut self, sql: &[Sql]) {
        let text: String = sql.iter().flat_map(|sql| [visible(sql.as_str()), ";\n".into()]).collect();
        self.fenced("sql", &text);
    }

    fn fenced(&mut self, language: &str, text: &str) {
        // a fence longer than any in the text
        let fence = "`".repeat(3.max(longest_run(text) + 1));
        self.line(&format!("{fence}{language}"));
        self.0.push_str(text);
        self.line(&fence);
    }
}

/// Objects that are not as they were recorded, each with the difference of its DDL.
pub fn differences(differences: &[Difference]) -> String {
    let mut page = Page(String::new());
    for found in differences {
        page.line(&format!("{} {}", code(&found.object.to_string()), found.how.label()));
        page.fenced("diff", &visible(&found.diff));
    }
    page.0
}

/// Lines from elsewhere, as they are.
pub fn block(lines: &str) -> String {
    let mut page = Page(String::new());
    page.fenced("text", &format!("{}\n", lines.trim_end_matches('\n')));
    page.0
}

/// Text from elsewhere, as text and nothing but text.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in visible_line(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' | '!') {
            shown.push('\\');
        }
        shown.push(c);
        // GitHub makes mentions, references and links of words, whatever is escaped: a comment cuts the word
        let www = || shown.as_bytes().last_chunk::<4>().is_some_and(|end| end.eq_ignore_ascii_case(b"www."));
        if matches!(c, '@' | '#') || shown.ends_with("://") || www() {
            shown.push_str("<!-- -->");
        }
    }
    shown
}

/// The same within backticks, where backslashes do not escape: more of them than in any run of the text.
pub fn code(text: &str) -> String {
    let text = visible_line(text).replace('|', "\\|");
    match longest_run(&text) {
        0 => format!("`{text}`"),
        longest => {
            let fence = "`".repeat(longest + 1);
            format!("{fence} {text} {fence}")
        }
    }
}

/// How many backticks stand together at most.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn title(phase: Phase) -> &'static str {
    match phase {
        Phase::Expand => "Expand: old and new code both work afterwards",
        Phase::Contract => "Contract: once no old code runs any more",
    }
}

fn head(page: &mut Page, plan: &Plan, digest: &Digest) {
    page.line(&format!("# {}", plain(&plan.name)));
    page.line("");
    let steps = if plan.steps.is_empty() { String::new() } else { format!(": {}", seen::steps(plan)) };
    page.line(&format!("**{}**{steps}.", seen::changes(plan)));
    if !plan.steps.is_empty() {
        page.line("");
        page.line(&format!("{}.", seen::verdict(&compatibility(plan))));
    }
    page.line("");
    let author = plan.author.as_ref().map(|author| format!(" by {}", plain(author))).unwrap_or_default();
    page.line("| | |");
    page.line("| --- | --- |");
    page.line(&format!(
        "| target | {}, PostgreSQL {}, as role {} |",
        code(&plan.target),
        seen::version(plan.server_version),
        code(&plan.role)
    ));
    if plan.from.is_some() {
        page.line(&format!("| **from SQL** | {} |", seen::FROM_SQL));
    }
    page.line(&format!("| made | {}{author} with trueup {} |", plan.created, plain(&plan.tool)));
    if let Some(made_for) = &plan.made_for {
        page.line(&format!(
            "| made for | {} |",
            plain(made_for.environment.as_deref().unwrap_or("no environment"))
        ));
        for (name, Given { is, places }) in &made_for.values {
            let places: Vec<String> = places.iter().map(|place| code(place)).collect();
            let (name, is) = (code(&format!("${{{name}}}")), code(is));
            page.line(&format!("| {name} | is {is}, in {} |", places.join(", ")));
        }
    }
    page.line(&format!("| rehearsed | {} |", plain(&plan.rehearsal.proven.join(", "))));
    for missing in &plan.rehearsal.not_rehearsed {
        page.line(&format!("| **not rehearsed** | {} |", plain(missing)));
    }
    page.line(&format!("| digest | `{digest}` |"));
}

/// The dangers, before anything else: they are what approving is about.
fn decisions(page: &mut Page, plan: &Plan) {
    let dangerous = |hazard: &&Hazard| hazard.level == Level::Danger;
    let mut all =
        plan.steps.iter().flat_map(|step| step.hazards.iter().filter(dangerous).map(move |h| (step, h)));
    let (deciding, first) = (plan.deciding_notes(), all.next());
    if deciding.is_empty() && first.is_none() {
        return;
    }
    page.line("");
    page.line("## To decide");
    page.line("");
    for note in deciding {
        page.line(&format!("- **{}**", plain(note)));
    }
    for (step, hazard) in first.into_iter().chain(all) {
        page.line(&format!(
            "- **{}** in step {} ({}): {}",
            plain(&hazard.code),
            step.id,
            step.phase.label(),
            advised(hazard)
        ));
    }
}

fn advised(hazard: &Hazard) -> String {
    format!("{}. *{}*", plain(hazard.message.trim_end_matches('.')), plain(&hazard.advice))
}

/// What old and new code have to do without, and when.
fn code_table(page: &mut Page, plan: &Plan) {
    let points = compatibility(plan);
    page.line("");
    page.line("## Old and new code");
    page.line("");
    page.line("| | code for the schema before | code for the schema after |");
    page.line("| --- | --- | --- |");
    for point in &points {
        let (old, new) = (seen::fit(&point.old_code), seen::fit(&point.new_code));
        page.line(&format!("| {} | {old} | {new} |", seen::point(point)));
    }
    if waits_on_the_way_back(&points) {
        page.line("");
        page.line(&format!("{}{}.", seen::WAY_BACK[..1].to_uppercase(), &seen::WAY_BACK[1..]));
    }
}

fn overview<'f>(page: &mut Page, folds: impl Iterator<Item = &'f Fold<'f>>) {
    page.line("");
    page.line("## Steps");
    page.line("");
    page.line("| | phase | batch | step | strongest lock | rows | hazards |");
    page.line("| ---: | --- | ---: | --- | --- | ---: | --- |");
    for fold in folds {
        let step = fold.first;
        let rows = fold.rows().map(facts::number).unwrap_or_default();
        let said = step.hazards.iter().filter(|hazard| seen::is_said(hazard, step.phase));
        let hazards: Vec<String> = said.map(coded).collect();
        let alone = if step.operation.is_transactional() { "" } else { " ∥" };
        let like = match fold.others.len() {
            0 => String::new(),
            some => format!(", and {} like it", seen::number_of(some)),
        };
        page.line(&format!(
            "| {} | {} | {}{alone} | {}{like} | {} | {rows} | {} |",
            fold.numbers(),
            step.phase.label(),
            step.batch,
            plain(&step.summary),
            plain(&seen::strongest(step)),
            hazards.join(", ")
        ));
    }
    page.line("");
    page.line(
        "Steps of one batch share a transaction; ∥ runs outside any. Locks are those that the rehearsal saw.",
    );
}

fn coded(hazard: &Hazard) -> String {
    if hazard.level == Level::Danger { format!("**{}**", plain(&hazard.code)) } else { plain(&hazard.code) }
}

fn detail(page: &mut Page, fold: &Fold<'_>) {
    let step = fold.first;
    page.line("");
    page.line(&format!("### {}. {}", step.id, plain(&step.summary)));
    page.line("");
    page.sql(&step.sql);
    let effects = seen::effects(&step.seen, step.rows);
    let said: Vec<&Hazard> = step.hazards.iter().filter(|hazard| seen::is_said(hazard, step.phase)).collect();
    if !effects.is_empty() || !said.is_empty() {
        page.line("");
    }
    for effect in effects {
        page.line(&format!("- {}", plain(&effect)));
    }
    for hazard in said {
        page.line(&format!("- {} {}: {}", hazard.level.label(), coded(hazard), advised(hazard)));
    }
    page.line("");
    others(page, fold);
    if step.undo.sql.is_empty() {
        page.line("Nothing to undo.");
        return;
    }
    page.line("<details><summary>undo</summary>");
    page.line("");
    page.sql(&step.undo.sql);
    let effects = seen::effects(&step.undo.seen, None);
    if !effects.is_empty() || !step.undo.hazards.is_empty() {
        page.line("");
    }
    for effect in effects {
        page.line(&format!("- {}", plain(&effect)));
    }
    for hazard in &step.undo.hazards {
        page.line(&format!("- {} {}: {}", hazard.level.label(), coded(hazard), advised(hazard)));
    }
    page.line("");
    page.line("</details>");
}

/// The steps that are like this one but for the names.
fn others(page: &mut Page, fold: &Fold<'_>) {
    if fold.others.is_empty() {
        return;
    }
    let count = seen::number_of(fold.others.len());
    page.line(&format!("<details><summary>and {count} like it</summary>"));
    page.line("");
    for step in &fold.others {
        let rows = step.rows.map(|rows| format!(", about {} rows", facts::number(rows))).unwrap_or_default();
        page.line(&format!("- {}: {}{rows}", step.id, plain(&step.summary)));
    }
    page.line("");
    page.line("</details>");
    page.line("");
}

fn remarks(page: &mut Page, plan: &Plan) {
    let deciding = plan.deciding_notes();
    let notes: Vec<&String> = plan.notes.iter().filter(|note| !deciding.contains(note)).collect();
    if !notes.is_empty() || !plan.unmanaged.is_empty() {
        page.line("");
        page.line("## Remarks");
        page.line("");
    }
    for note in notes {
        page.line(&format!("- {}", plain(note)));
    }
    if !plan.unmanaged.is_empty() {
        let names: Vec<String> = plan.unmanaged.iter().map(|name| plain(name)).collect();
        page.line(&format!("- Not managed, and left alone: {}.", names.join(", ")));
    }
}

/// The commands, ready to copy.
fn way_on(page: &mut Page, plan: &Plan) {
    page.line("");
    page.line("## Approve, apply, roll back");
    page.line("");
    page.line("```sh");
    let shell = shell::word(&plan.name);
    // an approval without --env is for every environment of trueup.toml; a phase runs in one
    let environment = plan.made_for.as_ref().and_then(|made_for| made_for.environment.as_deref());
    let env = environment.map(|name| format!(" --env {}", shell::word(name))).unwrap_or_default();
    for phase in plan.phases() {
        let codes: Vec<String> = dangers(plan, phase).into_keys().collect();
        let accept = if codes.is_empty() { String::new() } else { format!(" --accept {}", codes.join(",")) };
        page.line(&format!(
            "trueup approve {shell} --as YOUR_NAME --phase {}{}",
            phase.label(),
            visible_line(&accept)
        ));
        page.line(&format!("trueup apply {shell}{env} --phase {}", phase.label()));
    }
    page.line(&format!("trueup rollback {shell}{env}"));
    page.line("```");
    page.line("");
    page.line("An approval holds for these exact bytes of `plan.toml`. A rollback undoes, last first, what was applied.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_code() {
        assert_eq!(code("public.t"), "`public.t`");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("``` @alice"), "```` ``` @alice ````");
    }

    #[test]
    fn text_mentions_and_links_nothing() {
        assert_eq!(plain("@alice #12"), "@<!-- -->alice \\#<!-- -->12");
        assert_eq!(
            plain("see https://x.example and WWW.x"),
            "see https://<!-- -->x.example and WWW.<!-- -->x"
        );
        assert_eq!(plain("<b>"), "\\<b\\>");
    }
}
