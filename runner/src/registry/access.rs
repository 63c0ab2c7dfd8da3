//! What a request needs to be allowed to do, as token servers name it (distribution's token specification, scopes).

use super::endpoint::Endpoint;

/// What is to be done with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Access {
    /// Read from it.
    #[default]
    Pull,
    /// Read from it and write to it.
    Push,
}

impl Access {
    /// What is refused where it is not allowed, after `refuses to let `.
    pub(super) fn refused(self) -> &'static str {
        match self {
            Self::Pull => "pull from",
            Self::Push => "push to",
        }
    }
}

/// What a token has to be good for: `repository:a/b:pull,push`, and what is to be mounted from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    repository: String,
    access: Access,
    /// Another repository of the same registry, to be read from.
    mount: Option<String>,
}

impl Scope {
    pub(super) fn new(to: &Endpoint, access: Access, mount: Option<&str>) -> Self {
        Self {
            repository: to.repository.clone(),
            access,
            mount: mount.map(str::to_owned),
        }
    }

    /// Scopes whose tokens serve as well, this one first.
    pub(super) fn served_by(&self) -> Vec<Self> {
        let mut all = vec![self.clone()];
        if self.access == Access::Pull {
            let push = Self {
                access: Access::Push,
                ..self.clone()
            };
            all.push(push);
        }
        all
    }

    /// The scopes to ask a token server for. What the registry's challenge names counts for pulls, since it knows its
    /// own names; what it leaves out for a push is added, as some name `pull` whatever was asked.
    pub(super) fn asked(&self, challenge: Option<&str>) -> Vec<String> {
        let mut scopes: Vec<String> = challenge
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let names = |scope: &str, repository: &str, action: &str| {
            let mut parts = scope.splitn(2, ':');
            let _kind = parts.next();
            parts
                .next()
                .and_then(|rest| rest.rsplit_once(':'))
                .is_some_and(|(name, actions)| {
                    name == repository && actions.split(',').any(|it| it == action || it == "*")
                })
        };
        let Self {
            repository,
            access,
            mount,
        } = self;
        match access {
            Access::Pull if scopes.is_empty() => {
                scopes.push(format!("repository:{repository}:pull"));
            }
            Access::Push if !scopes.iter().any(|it| names(it, repository, "push")) => {
                scopes.push(format!("repository:{repository}:pull,push"));
            }
            _ => {}
        }
        if let Some(mount) = mount
            && !scopes.iter().any(|it| names(it, mount, "pull"))
        {
            scopes.push(format!("repository:{mount}:pull"));
        }
        scopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(access: Access, mount: Option<&str>, challenge: Option<&str>) -> String {
        let scope = Scope {
            repository: "a/b".to_owned(),
            access,
            mount: mount.map(str::to_owned),
        };
        scope.asked(challenge).join(" ")
    }

    #[test]
    fn a_token_is_asked_for_what_is_to_be_done() {
        let (pull, push) = (Access::Pull, Access::Push);
        assert_eq!(asked(pull, None, None), "repository:a/b:pull");
        assert_eq!(asked(push, None, None), "repository:a/b:pull,push");
        let both = "repository:a/b:pull,push repository:c:pull";
        assert_eq!(asked(push, Some("c"), None), both);
        assert_eq!(asked(push, Some("c"), Some(both)), both);
        // The registry behind a mirror may call it by another name.
        let other = "repository:library/a/b:pull";
        assert_eq!(asked(pull, None, Some(other)), other);
        // Some name `pull` whatever was asked.
        assert_eq!(
            asked(push, None, Some("repository:a/b:pull")),
            "repository:a/b:pull repository:a/b:pull,push"
        );
        let star = "repository:a/b:*";
        assert_eq!(asked(push, None, Some(star)), star);
    }
}
