//! Throwaway servers, with real processes: ready soon, and gone whatever happens.

use std::time::Instant;

use trueup::postgres::{DatabaseSettings, Scratch, ScratchOptions};

fn options() -> ScratchOptions {
    ScratchOptions::from_env(&|name| std::env::var_os(name))
}

#[tokio::test]
async fn one_is_ready_soon() {
    let began = Instant::now();
    let scratch = Scratch::open(&options(), &|line| println!("{line}")).await.unwrap();
    println!("{} ready after {:?}", scratch.describe(), began.elapsed());
    let database = scratch.create_database(&DatabaseSettings::default()).await.unwrap();
    println!("with a database after {:?}", began.elapsed());
    println!("{:?} {:?}", DatabaseSettings::of(database.session()).await, database);
    let directory = scratch.directory().unwrap().to_owned();
    scratch.close().await.unwrap();
    println!("closed after {:?}", began.elapsed());
    assert!(!directory.exists());
}
