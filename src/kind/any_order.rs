//! Lists whose order is kept for those who read them, and is no difference between two of them.

use std::ops::Deref;

use serde::{Deserialize, Serialize, Serializer};

/// A list in the order in which PostgreSQL keeps it. Equal when it holds the same, in whatever order.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct AnyOrder<T>(Vec<T>);

impl<T> Default for AnyOrder<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for AnyOrder<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> FromIterator<T> for AnyOrder<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'a, T> IntoIterator for &'a AnyOrder<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Ord> AnyOrder<T> {
    fn sorted(&self) -> Vec<&T> {
        let mut items: Vec<&T> = self.0.iter().collect();
        items.sort();
        items
    }

    /// What is here and not in the other one.
    pub fn without<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a T> {
        self.0.iter().filter(|item| !other.0.contains(item))
    }

    /// Keeps the items that satisfy a condition.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.0.retain(keep);
    }

    /// Lets each item be changed.
    pub fn for_each_mut(&mut self, change: impl FnMut(&mut T)) {
        self.0.iter_mut().for_each(change);
    }

    /// Adds what is not there yet, at the end.
    pub fn add_all(&mut self, items: impl IntoIterator<Item = T>) {
        for item in items {
            if !self.0.contains(&item) {
                self.0.push(item);
            }
        }
    }
}

impl<T: Ord> PartialEq for AnyOrder<T> {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}

impl<T: Ord> Eq for AnyOrder<T> {}

impl<T: Ord + Serialize> Serialize for AnyOrder<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sorted().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_is_no_difference() {
        let (a, b): (AnyOrder<i32>, AnyOrder<i32>) =
            ([2, 1].into_iter().collect(), [1, 2].into_iter().collect());
        assert_eq!(a, b);
        assert_eq!(a.to_vec(), [2, 1]);
        assert_eq!(serde_json::to_string(&a).unwrap(), serde_json::to_string(&b).unwrap());
        assert_ne!(a, [1, 1, 2].into_iter().collect());
    }
}
