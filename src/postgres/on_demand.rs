//! A scratch server that is started when it is first needed, since often it is not.

use tokio::sync::OnceCell;

use super::{Scratch, ScratchError, Session, binaries::Binaries, download, options::ScratchOptions};

/// A scratch server that is there, or will be when it is asked for.
pub struct OnDemand<'a> {
    place: Place<'a>,
}

enum Place<'a> {
    There(&'a Scratch),
    Later { options: &'a ScratchOptions, progress: &'a dyn Fn(&str), opened: Box<OnceCell<Scratch>> },
}

impl<'a> From<&'a Scratch> for OnDemand<'a> {
    fn from(scratch: &'a Scratch) -> Self {
        Self { place: Place::There(scratch) }
    }
}

impl<'a> OnDemand<'a> {
    /// One that [`Scratch::open`] will open with these.
    pub fn later(options: &'a ScratchOptions, progress: &'a dyn Fn(&str)) -> Self {
        Self { place: Place::Later { options, progress, opened: Box::default() } }
    }

    /// The server; it is started now if it was not before.
    pub async fn get(&self) -> Result<&Scratch, ScratchError> {
        match &self.place {
            Place::There(scratch) => Ok(scratch),
            Place::Later { options, progress, opened } => {
                opened.get_or_try_init(|| Scratch::open(options, *progress)).await
            }
        }
    }

    /// Whether a session is the one that makes its databases.
    pub fn is_admin(&self, session: &Session) -> bool {
        let scratch = match &self.place {
            Place::There(scratch) => Some(*scratch),
            Place::Later { opened, .. } => opened.get(),
        };
        scratch.is_some_and(|scratch| std::ptr::eq(session, scratch.admin()))
    }

    /// Whether it is somebody else's server.
    pub fn is_shadow(&self) -> bool {
        match &self.place {
            Place::There(scratch) => scratch.is_shadow(),
            Place::Later { options, .. } => options.shadow.is_some(),
        }
    }

    /// [`Scratch::superuser_of_shadow`], if it was opened.
    pub fn superuser_of_shadow(&self) -> Option<&str> {
        let scratch = match &self.place {
            Place::There(scratch) => Some(*scratch),
            Place::Later { opened, .. } => opened.get(),
        };
        scratch?.superuser_of_shadow()
    }

    /// Where a server of our own is or would be started from. Nothing for somebody else's, and before anything has
    /// been downloaded.
    pub fn programs(&self) -> Vec<Binaries> {
        match &self.place {
            Place::There(scratch) => scratch.binaries().cloned().into_iter().collect(),
            Place::Later { options, .. } if options.shadow.is_some() => Vec::new(),
            Place::Later { options, .. } => {
                let local = options.local.find(options.major);
                if local.is_empty() { download::downloaded(options).into_iter().collect() } else { local }
            }
        }
    }

    /// Stops it, if it was started here.
    pub async fn close(self) -> Result<(), ScratchError> {
        match self.place {
            Place::Later { opened, .. } => match opened.into_inner() {
                Some(scratch) => scratch.close().await,
                None => Ok(()),
            },
            Place::There(_) => Ok(()),
        }
    }
}
