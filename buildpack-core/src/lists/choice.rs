//! Which state of a list is used: the host's, the one last kept, or the built-in one.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use stacks::Target;

use super::note::{NoList, Reason};
use super::{
    Answer, BuildList, KeptText, ListError, ListHost, ListHosts, ListInfo, ListOrigin, NodeList,
    snapshot,
};
use crate::diagnostic::Diagnostic;
use crate::version::Tool;

/// A kept list that is younger says what is not published.
const CURRENT: Duration = Duration::from_hours(24);

/// Tenths of the kept list that a new one must have at least.
const LEFT: usize = 9;

/// How lists are chosen.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// The target of this run.
    pub target: Target,
    /// The time of this run.
    pub now: Timestamp,
    /// Kept lists younger than this are used without asking their host.
    pub max_age: Duration,
    /// Whether a host's list is also taken if it lost much.
    pub shrunken: bool,
}

impl Policy {
    /// For `target` at `now`: lists of the last day are good enough.
    pub fn new(target: Target, now: Timestamp) -> Self {
        Self {
            target,
            now,
            max_age: CURRENT,
            shrunken: false,
        }
    }
}

/// What a list is about and where it lies.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// In words: `Elixir builds`.
    pub what: String,
    pub tool: Tool,
    pub host: ListHost,
    /// Below the host's address.
    pub path: String,
}

/// A list that can be read from text and compared with an earlier one.
pub(super) trait List: Sized {
    fn read(text: &str, info: ListInfo) -> Result<Self, String>;
    fn built_in(place: &Place, provider: &str) -> Option<Self>;
    fn info(&mut self) -> &mut ListInfo;
    fn len(&self) -> usize;
}

impl List for BuildList {
    fn read(text: &str, info: ListInfo) -> Result<Self, String> {
        Self::read(text, info)
    }
    fn built_in(place: &Place, provider: &str) -> Option<Self> {
        snapshot::builds(place, provider)
    }
    fn info(&mut self) -> &mut ListInfo {
        &mut self.info
    }
    fn len(&self) -> usize {
        self.builds().len()
    }
}

impl List for NodeList {
    fn read(text: &str, info: ListInfo) -> Result<Self, String> {
        Self::read(text, info)
    }
    fn built_in(place: &Place, provider: &str) -> Option<Self> {
        snapshot::node(place, provider)
    }
    fn info(&mut self) -> &mut ListInfo {
        &mut self.info
    }
    fn len(&self) -> usize {
        self.releases.len()
    }
}

/// A list, and what is to be said about it.
pub(super) struct Chosen<L> {
    pub list: L,
    pub complaint: Option<Diagnostic>,
}

/// A kept list that can be read.
struct Kept<L> {
    list: L,
    text: KeptText,
}

/// Hosts and the rule.
pub(super) struct Choice<'a, H> {
    pub hosts: &'a H,
    pub policy: &'a Policy,
}

impl<H: ListHosts> Choice<'_, H> {
    /// The list at the first of these places at which the host has one; the first is the one that its absence is told of.
    pub(super) fn list<L: List>(&self, places: &[Place]) -> Result<Chosen<L>, Box<dyn ListError>> {
        for place in places {
            if let Some(kept) = self.kept::<L>(place)
                && self.is_younger(&kept, self.policy.max_age)
            {
                return Ok(Chosen::plain(kept.list));
            }
        }
        for place in places {
            match self.ask(place) {
                Ok(Some(list)) => return Ok(Chosen::plain(list)),
                Ok(None) => {}
                Err(reason) => return self.stand_in(places, place, reason),
            }
        }
        self.stand_in(places, &places[0], Reason::Missing)
    }

    /// The host's list; none where it says that there is nothing.
    fn ask<L: List>(&self, place: &Place) -> Result<Option<L>, Reason> {
        let kept = self.kept::<L>(place);
        let etag = kept.as_ref().and_then(|kept| kept.text.etag.as_deref());
        let answer = self.hosts.ask(place.host, &place.path, etag);
        match (answer.map_err(Reason::Unreachable)?, kept) {
            (Answer::Missing, _) => Ok(None),
            (Answer::Nonsense(why), _) => Err(Reason::NotAList(why)),
            (Answer::Text { text, etag }, kept) => {
                let list = self.new_list(place, &text, kept.as_ref())?;
                self.keep(place, text, etag);
                Ok(Some(list))
            }
            (Answer::Unchanged, Some(mut kept)) => {
                *kept.list.info() = self.info(place, ListOrigin::Live, self.policy.now);
                self.keep(place, kept.text.text, kept.text.etag);
                Ok(Some(kept.list))
            }
            (Answer::Unchanged, None) => Err(Reason::NotAList(
                "it says that nothing changed, but nothing is kept".to_owned(),
            )),
        }
    }

    fn new_list<L: List>(
        &self,
        place: &Place,
        text: &str,
        kept: Option<&Kept<L>>,
    ) -> Result<L, Reason> {
        let info = self.info(place, ListOrigin::Live, self.policy.now);
        let list = L::read(text, info).map_err(Reason::NotAList)?;
        match kept.map(|kept| kept.list.len()) {
            Some(before) if list.len() * 10 < before * LEFT && !self.policy.shrunken => {
                Err(Reason::Shrunken {
                    before,
                    now: list.len(),
                })
            }
            _ => Ok(list),
        }
    }

    /// What is used in place of what the host has at `place`.
    fn stand_in<L: List>(
        &self,
        places: &[Place],
        place: &Place,
        reason: Reason,
    ) -> Result<Chosen<L>, Box<dyn ListError>> {
        let provider = self.hosts.name(place.host);
        let list = match places.iter().find_map(|place| self.kept(place)) {
            // Nobody need be told that the host of a list of today could not be asked once more.
            Some(kept)
                if matches!(reason, Reason::Unreachable(_)) && self.is_younger(&kept, CURRENT) =>
            {
                return Ok(Chosen::plain(kept.list));
            }
            Some(kept) => Some(kept.list),
            None => L::built_in(&places[0], &provider),
        };
        let no_list = NoList {
            what: place.what.clone(),
            provider,
            path: place.path.clone(),
            reason,
        };
        let Some(mut list) = list else {
            return Err(Box::new(no_list));
        };
        let complaint = Some(no_list.instead(list.info()));
        Ok(Chosen { list, complaint })
    }

    /// The kept list, if it can be read: an earlier version may have kept what is none.
    fn kept<L: List>(&self, place: &Place) -> Option<Kept<L>> {
        let text = self.hosts.kept(place.host, &place.path)?;
        let info = self.info(place, ListOrigin::Kept, text.fetched);
        let list = L::read(&text.text, info).ok()?;
        Some(Kept { list, text })
    }

    fn keep(&self, place: &Place, text: String, etag: Option<String>) {
        let text = KeptText {
            text,
            etag,
            fetched: self.policy.now,
        };
        self.hosts.keep(place.host, &place.path, &text);
    }

    fn is_younger<L>(&self, kept: &Kept<L>, than: Duration) -> bool {
        age(self.policy.now, kept.text.fetched).is_some_and(|age| age < than)
    }

    fn info(&self, place: &Place, origin: ListOrigin, had: Timestamp) -> ListInfo {
        ListInfo {
            tool: place.tool,
            provider: self.hosts.name(place.host),
            path: place.path.clone(),
            dated: had.to_zoned(TimeZone::UTC).date(),
            origin,
            current: age(self.policy.now, had).is_some_and(|age| age < CURRENT),
        }
    }
}

/// How long ago; none where the clock stands before it.
fn age(now: Timestamp, then: Timestamp) -> Option<Duration> {
    now.duration_since(then).try_into().ok()
}

impl<L> Chosen<L> {
    fn plain(list: L) -> Self {
        Self {
            list,
            complaint: None,
        }
    }
}
