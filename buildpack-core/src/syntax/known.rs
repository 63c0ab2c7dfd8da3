//! What the variables of a file are known to hold.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::Value;

/// So many bytes may be copied out of variables: a file of some lines could otherwise ask for more memory than there is,
/// as each line can double what the last one set.
const MOST_COPIED: usize = 1 << 20;

/// Why a value is left to bash that would take more.
pub(super) const TOO_LONG: &str = "a value too long to be put together here";

/// Variables that the file has set so far.
#[derive(Default)]
pub(super) struct Known {
    values: BTreeMap<String, Value>,
    copied: Cell<usize>,
}

impl Known {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    pub(super) fn set(&mut self, name: &str, value: &Value) {
        self.values.insert(name.to_owned(), value.clone());
    }

    /// Whether so many bytes may still be copied; counts them.
    pub(super) fn may_copy(&self, bytes: usize) -> bool {
        self.copied.set(self.copied.get().saturating_add(bytes));
        self.copied.get() <= MOST_COPIED
    }

    /// The value of `name` after `more` was appended to it.
    pub(super) fn appended(&self, name: &str, more: Value) -> Value {
        let size = |members: &[String]| -> usize {
            let text: usize = members.iter().map(String::len).sum();
            text + size_of_val(members)
        };
        match (self.get(name), more) {
            (_, dynamic @ Value::Dynamic(_)) => dynamic,
            (Some(Value::Text(before)), Value::Text(more)) if self.may_copy(before.len()) => {
                Value::Text(before.clone() + &more)
            }
            (Some(Value::Array(before)), Value::Array(more)) if self.may_copy(size(before)) => {
                Value::Array([before.as_slice(), &more].concat())
            }
            (Some(Value::Text(_)), Value::Text(_)) | (Some(Value::Array(_)), Value::Array(_)) => {
                Value::Dynamic(TOO_LONG.to_owned())
            }
            _ => Value::Dynamic("appended to something unknown".to_owned()),
        }
    }
}
