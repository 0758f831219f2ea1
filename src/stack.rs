//! A stack that is large enough for a parsed statement: trees are as deep as expressions are nested, and code that walks them
//! recurses.

use std::thread;

const SIZE: usize = 64 << 20;

/// Runs what parses on a thread of its own.
pub(crate) fn with_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    thread::scope(|scope| {
        let handle = thread::Builder::new().stack_size(SIZE).spawn_scoped(scope, work)?;
        handle.join().map_err(|panic| std::panic::resume_unwind(panic))
    })
}
