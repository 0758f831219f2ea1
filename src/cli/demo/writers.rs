//! Writers that go on while the schema changes, on a thread and connections of their own.
//!
//! Each counts what the server acknowledged and what it refused, of which there is to be nothing. Accounts are written by
//! two releases, yesterday's that says `name` and today's that says `full_name`; each works while it is deployed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use trueup::postgres::{Session, Target};

use super::CliError;

/// What is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Says `customers.name`.
    Yesterday,
    /// Says `customers.full_name`.
    Today,
}

impl Release {
    /// What the release calls the customer's name.
    pub fn name_column(self) -> &'static str {
        match self {
            Release::Yesterday => "name",
            Release::Today => "full_name",
        }
    }
}

/// What one writer did.
#[derive(Debug)]
pub struct Tally {
    /// Who.
    pub writer: Writer,
    /// Statements that the server acknowledged.
    pub done: u64,
    /// Statements that failed.
    pub failed: u64,
    /// What the server said, and how often.
    pub words: BTreeMap<String, u64>,
    /// The longest that a statement took.
    pub slowest: Duration,
}

/// Who writes what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// An order and its item: the table gets a column, the view over it another definition.
    Checkout,
    /// Pieces set aside, by a function: nothing of it changes.
    Stock,
    /// A review: the table gets an index and a foreign key.
    Reviews,
    /// A telephone number: the table has a column renamed and another dropped.
    Accounts(Release),
}

impl Writer {
    const ALL: [Writer; 5] = [
        Writer::Checkout,
        Writer::Stock,
        Writer::Reviews,
        Writer::Accounts(Release::Yesterday),
        Writer::Accounts(Release::Today),
    ];

    /// What it is called.
    pub fn label(self) -> &'static str {
        match self {
            Writer::Checkout => "checkout",
            Writer::Stock => "stock",
            Writer::Reviews => "reviews",
            Writer::Accounts(Release::Yesterday) => "accounts, old code",
            Writer::Accounts(Release::Today) => "accounts, new code",
        }
    }

    /// What it counts.
    pub fn product(self) -> &'static str {
        match self {
            Writer::Checkout => "orders placed",
            Writer::Stock => "pieces set aside",
            Writer::Reviews => "reviews written",
            Writer::Accounts(_) => "telephone numbers changed",
        }
    }

    /// Its statement; `$1` counts up from 1.
    fn sql(self) -> String {
        match self {
            Writer::Checkout => {
                "WITH placed AS (INSERT INTO orders (customer_id, shipping_address_id, status, placed_at) \
                 VALUES ($1::bigint % 20000 + 1, $1 % 20000 + 1, 'placed', now()) RETURNING id) \
                 INSERT INTO order_items (order_id, variant_id, quantity, unit_price) \
                 SELECT id, $1 % 5000 + 1, 1, 9.95 FROM placed"
                    .to_owned()
            }
            Writer::Stock => "SELECT reserve_stock($1::bigint % 5000 + 1, 1)".to_owned(),
            Writer::Reviews => "INSERT INTO reviews (product_id, customer_id, rating) \
                 VALUES ($1::bigint % 2000 + 1, $1 % 20000 + 1, ($1 % 5 + 1)::smallint)"
                .to_owned(),
            Writer::Accounts(release) => {
                let (name, first, word) = match release {
                    Release::Yesterday => ("name", 0, "old"),
                    Release::Today => ("full_name", 10_000, "new"),
                };
                format!(
                    "UPDATE customers SET phone = '{word} ' || $1::bigint, {name} = trim({name}) \
                     WHERE id = $1::bigint + {first} RETURNING {name}"
                )
            }
        }
    }
}

/// What the story tells the writers.
#[derive(Debug, Default)]
struct Orders {
    stop: AtomicBool,
    yesterday: Deployed,
    today: Deployed,
}

impl Orders {
    fn of(&self, release: Release) -> &Deployed {
        match release {
            Release::Yesterday => &self.yesterday,
            Release::Today => &self.today,
        }
    }
}

/// Whether a release is deployed, and whether a statement of it is under way.
#[derive(Debug, Default)]
struct Deployed {
    now: AtomicBool,
    busy: AtomicBool,
}

/// The writers at work. They end when this is dropped.
#[derive(Debug)]
pub struct Writers {
    orders: Arc<Orders>,
    thread: Option<JoinHandle<Result<Vec<Tally>, CliError>>>,
}

impl Writers {
    /// Starts them.
    pub fn start(target: &Target) -> Result<Self, CliError> {
        let orders = Arc::new(Orders::default());
        let (theirs, target) = (Arc::clone(&orders), target.clone());
        let thread = std::thread::Builder::new().name("writers".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(try_join_all(Writer::ALL.map(|writer| write(writer, &target, &theirs))))
        })?;
        Ok(Self { orders, thread: Some(thread) })
    }

    /// Deploys a release, beside the other one if that is deployed.
    pub fn deploy(&self, release: Release) {
        self.orders.of(release).now.store(true, Ordering::SeqCst);
    }

    /// Takes a release away; none of its statements runs any more afterwards.
    pub async fn retire(&self, release: Release) {
        let deployed = self.orders.of(release);
        deployed.now.store(false, Ordering::SeqCst);
        while deployed.busy.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends them; what they did.
    pub fn stop(mut self) -> Result<Vec<Tally>, CliError> {
        self.orders.stop.store(true, Ordering::SeqCst);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Err(CliError::new("the demo's writers ended before their time")),
        }
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.orders.stop.store(true, Ordering::SeqCst);
    }
}

async fn write(writer: Writer, target: &Target, orders: &Orders) -> Result<Tally, CliError> {
    let session = Session::connect(&target.with_application_name(writer.label())).await?;
    let mut tally = Tally { writer, done: 0, failed: 0, words: BTreeMap::new(), slowest: Duration::ZERO };
    let deployed = match writer {
        Writer::Accounts(release) => Some(orders.of(release)),
        _ => None,
    };
    let mut number: i64 = 0;
    while !orders.stop.load(Ordering::SeqCst) && !session.is_closed() {
        if let Some(deployed) = deployed {
            deployed.busy.store(true, Ordering::SeqCst);
        }
        if deployed.is_none_or(|deployed| deployed.now.load(Ordering::SeqCst)) {
            let since = Instant::now();
            // each time anew, so that a statement is parsed against the schema of the moment
            let result = session.client().query(&writer.sql(), &[&(number + 1)]).await;
            tally.slowest = tally.slowest.max(since.elapsed());
            match result {
                Ok(_) => {
                    tally.done += 1;
                    number += 1;
                }
                Err(error) => {
                    tally.failed += 1;
                    let said = error.as_db_error();
                    let said = said.map_or_else(|| error.to_string(), |said| said.message().to_owned());
                    *tally.words.entry(said).or_default() += 1;
                }
            }
        }
        if let Some(deployed) = deployed {
            deployed.busy.store(false, Ordering::SeqCst);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    session.close().await;
    Ok(tally)
}
