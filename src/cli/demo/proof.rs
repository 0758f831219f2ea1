//! What is compared before and after: the catalog, the rows that were there, and the writes that were acknowledged.

use std::collections::BTreeMap;

use trueup::{
    catalog::Catalog,
    postgres::{ScratchDatabase, Session},
    report,
    source::live,
};

use super::{
    CliError, ensure, query,
    writers::{Release, Tally, Writer},
};

/// The rows that were there before the writers came, but for what the writers change and for the column that the plan
/// drops. NAME is what the release calls it.
const KEPT: [(&str, &str); 11] = [
    ("customers", "SELECT id, email, NAME, created_at FROM public.customers"),
    ("addresses", "SELECT * FROM public.addresses"),
    ("categories", "SELECT * FROM public.categories"),
    ("products", "SELECT * FROM public.products"),
    ("variants", "SELECT * FROM public.variants"),
    ("stock", "SELECT variant_id, on_hand FROM public.stock"),
    (
        "orders",
        "SELECT id, customer_id, shipping_address_id, status, placed_at, created_at, updated_at \
         FROM public.orders WHERE id <= 36000",
    ),
    ("order_items", "SELECT * FROM public.order_items WHERE order_id <= 36000"),
    ("payments", "SELECT * FROM public.payments"),
    ("shipments", "SELECT * FROM public.shipments"),
    ("reviews", "SELECT * FROM public.reviews WHERE id <= 7980"),
];

/// A database at one moment.
pub struct Picture {
    catalog: Catalog,
    /// Of each table: how many rows, and the sum of their hashes.
    rows: BTreeMap<&'static str, (u64, String)>,
    /// Fax numbers: what the plan says it loses.
    pub faxes: u64,
    reserved: u64,
}

impl Picture {
    /// Reads all of it.
    pub async fn take(
        database: &ScratchDatabase,
        shop: &Session,
        release: Release,
    ) -> Result<Self, CliError> {
        let catalog = live::read(database.session())
            .await
            .map_err(|error| CliError::new(format!("reading the catalog: {error}")))?;
        let mut rows = BTreeMap::new();
        for (table, select) in KEPT {
            let select = select.replace("NAME", release.name_column());
            let sum = format!(
                "SELECT count(*), coalesce(sum(hashtextextended(kept::text, 0)), 0)::text FROM ({select}) AS kept"
            );
            let row = shop.client().query_one(&sum, &[]).await.map_err(query)?;
            let count: i64 = row.try_get(0).map_err(query)?;
            rows.insert(table, (count.unsigned_abs(), row.try_get(1).map_err(query)?));
        }
        let faxes = match release {
            Release::Yesterday => number(shop, "SELECT count(fax) FROM public.customers").await?,
            Release::Today => 0,
        };
        let reserved = number(shop, "SELECT sum(reserved)::bigint FROM public.stock").await?;
        Ok(Self { catalog, rows, faxes, reserved })
    }

    /// Of all tables.
    pub fn rows(&self) -> u64 {
        self.rows.values().map(|(count, _)| count).sum()
    }

    /// `20,000 customers, …`, the largest first.
    pub fn tables(&self) -> String {
        let mut counts: Vec<_> = self.rows.iter().map(|(table, (count, _))| (*count, *table)).collect();
        counts.sort_by_key(|(count, table)| (std::cmp::Reverse(*count), *table));
        let words: Vec<String> = counts
            .iter()
            .take(4)
            .map(|(count, table)| format!("{} {table}", report::number(*count)))
            .collect();
        format!("{} tables: {} …", counts.len(), words.join(", "))
    }

    /// Whether both have the same objects with the same attributes.
    pub fn same_catalog(&self, other: &Self) -> bool {
        self.catalog.objects == other.catalog.objects && self.catalog.unmanaged == other.catalog.unmanaged
    }

    /// Whether both have the same rows.
    pub fn same_rows(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

/// Looks for every write that the server acknowledged. How many there are.
pub async fn acknowledged(shop: &Session, before: &Picture, tallies: &[Tally]) -> Result<u64, CliError> {
    let mut sum = 0;
    for tally in tallies {
        let there = match tally.writer {
            Writer::Checkout => {
                number(
                    shop,
                    "SELECT count(*) FROM public.orders JOIN public.order_items ON order_id = id WHERE id > 36000",
                )
                .await?
            }
            Writer::Stock => {
                number(shop, "SELECT sum(reserved)::bigint FROM public.stock").await? - before.reserved
            }
            Writer::Reviews => number(shop, "SELECT count(*) FROM public.reviews WHERE id > 7980").await?,
            Writer::Accounts(Release::Yesterday) => {
                number(shop, "SELECT count(*) FROM public.customers WHERE phone LIKE 'old %'").await?
            }
            Writer::Accounts(Release::Today) => {
                number(shop, "SELECT count(*) FROM public.customers WHERE phone LIKE 'new %'").await?
            }
        };
        let label = tally.writer.label();
        ensure(
            there == tally.done,
            &format!("{} writes of {label} are there, {} were acknowledged", there, tally.done),
        )?;
        sum += there;
    }
    Ok(sum)
}

async fn number(shop: &Session, sql: &str) -> Result<u64, CliError> {
    let row = shop.client().query_one(sql, &[]).await.map_err(query)?;
    Ok(row.try_get::<_, i64>(0).map_err(query)?.unsigned_abs())
}
