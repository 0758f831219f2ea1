//! Which variables of the environment trueup.toml may name for a connection URL.
//!
//! trueup.toml comes with the branch, and so does what CI says of the branch: its name, its title, its commits. A variable of
//! CI's own is therefore never one that whoever runs trueup has set for it.

/// What the variables begin with that CI systems and their plugins fill from a request, in capitals.
const OF_REQUESTS: &[&str] = &[
    "APPVEYOR_",
    "BAMBOO_",
    "BITBUCKET_",
    "BITRISE_",
    "BRANCH_",
    "BUDDY_",
    // Azure Pipelines, TeamCity, Jenkins
    "BUILD_",
    "BUILDKITE_",
    // Jenkins
    "CHANGE_",
    // GitLab, Woodpecker
    "CI_",
    "CIRCLE_",
    "CIRRUS_",
    "CODEBUILD_",
    "COMMIT_",
    "DRONE_",
    "FORGEJO_",
    // Jenkins' pull request builder: ghprbPullTitle
    "GHPRB",
    "GIT_",
    "GITEA_",
    "GITHUB_",
    // also Jenkins' plugin: gitlabMergeRequestTitle
    "GITLAB",
    "MERGE_REQUEST_",
    "PR_",
    // Prow
    "PULL_",
    "SEMAPHORE_",
    // Azure Pipelines
    "SYSTEM_",
    "TRAVIS_",
    "VERCEL_GIT_",
];

/// Whether a variable's value may be of whoever opened a request.
pub fn is_of_requests(variable: &str) -> bool {
    let name = variable.to_ascii_uppercase();
    OF_REQUESTS.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_ci_are_known_by_their_names() {
        for name in
            ["GITHUB_HEAD_REF", "ci_commit_title", "ghprbPullTitle", "bamboo_x", "SYSTEM_PULLREQUEST_X"]
        {
            assert!(is_of_requests(name), "{name}");
        }
        for name in ["PRODUCTION_URL", "DATABASE_URL", "CITY_URL", "PROD", "BUILDER", "MY_GITHUB_URL"] {
            assert!(!is_of_requests(name), "{name}");
        }
    }
}
