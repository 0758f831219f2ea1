//! Commands in messages, such that they can be pasted.
//!
//! The library writes a command in backticks, with `PLAN` for the plan: it knows neither where that is nor which environment was
//! named on the command line. Both are put in here.

use trueup::report::shell;

/// Commands that need a database and nothing else, so that their name alone is a command, not a mention.
const BY_NAME: &[&str] = &["adopt", "audit", "deploy", "history", "plan", "plans", "protect", "status"];

/// What a message's commands are completed with.
#[derive(Debug, Default)]
pub struct Said {
    /// The plan, as a shell reads it.
    pub plan: Option<String>,
    /// The environment that --env names.
    pub env: Option<String>,
    /// The phase that --phase of a rollback names.
    pub rollback_phase: Option<&'static str>,
}

impl Said {
    /// A message with the commands in it completed.
    pub fn complete(&self, text: &str) -> String {
        let spans = text.split('`').enumerate();
        let completed =
            spans.map(|(at, span)| if at % 2 == 1 { self.command(span) } else { span.to_owned() });
        completed.collect::<Vec<_>>().join("`")
    }

    /// One command.
    fn command(&self, command: &str) -> String {
        let Some(arguments) = command.strip_prefix("trueup ") else { return command.to_owned() };
        let mut words: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
        let name = words[0].clone();
        if words.len() == 1 && !BY_NAME.contains(&&*name) {
            return command.to_owned();
        }
        let env = self.env.as_deref().map(shell::word);
        for word in &mut words {
            match (&**word, &self.plan, &env) {
                ("PLAN", Some(plan), _) => word.clone_from(plan),
                ("ENV", _, Some(env)) => word.clone_from(env),
                ("ENV", _, None) => "URL".clone_into(word),
                _ => {}
            }
        }
        let has = |words: &[String], flag: &str| words.iter().any(|word| word == flag);
        let flags = words.iter().position(|word| word.starts_with("--")).unwrap_or(words.len());
        if let Some(phase) = self.rollback_phase.filter(|_| name == "rollback" && !has(&words, "--phase")) {
            words.splice(flags..flags, ["--phase".to_owned(), phase.to_owned()]);
        }
        // `diff` names its databases itself
        if let Some(env) = env.filter(|_| name != "diff" && !has(&words, "--env") && !has(&words, "--url")) {
            words.splice(flags..flags, ["--env".to_owned(), env]);
        }
        format!("trueup {}", words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_completed_and_names_of_commands_are_not() {
        let said =
            Said { plan: Some("plans/x".to_owned()), env: Some("a b".to_owned()), rollback_phase: None };
        for (text, completed) in [
            (
                "`trueup apply PLAN --phase contract` goes on",
                "`trueup apply plans/x --env 'a b' --phase contract` goes on",
            ),
            ("plan again: `trueup plan`", "plan again: `trueup plan --env 'a b'`"),
            ("written by `trueup approve`, not by hand", "written by `trueup approve`, not by hand"),
            ("`trueup apply PLAN --env staging` first", "`trueup apply plans/x --env staging` first"),
            ("`trueup diff ENV PLAN` compares", "`trueup diff 'a b' plans/x` compares"),
            ("take `after` out of PLAN", "take `after` out of PLAN"),
        ] {
            assert_eq!(said.complete(text), completed);
        }
        let said = Said { rollback_phase: Some("expand"), ..Said::default() };
        assert_eq!(
            said.complete("`trueup rollback PLAN --accept DATA_LOSS`"),
            "`trueup rollback PLAN --phase expand --accept DATA_LOSS`"
        );
    }
}
