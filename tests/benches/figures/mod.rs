//! What a bench says: one line `figure {JSON}` for each thing measured, with its goal and with what was measured beside
//! it in the same run. `cargo xtask bench` makes the tables of them. Judges nothing.
#![allow(dead_code, clippy::float_arithmetic)] // each bench takes what it needs

use serde_json::{Map, Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Durations of one step, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    pub fn of<T>(rounds: usize, mut step: impl FnMut() -> T) -> Self {
        // Once for the caches.
        black_box(step());
        let timed = |_| {
            let started = Instant::now();
            black_box(step());
            started.elapsed()
        };
        Self::sorted((0..rounds).map(timed).collect())
    }

    pub fn sorted(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// In microseconds.
    pub fn at(&self, percent: usize) -> f64 {
        micros(self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)])
    }

    /// In microseconds.
    pub fn median(&self) -> f64 {
        self.at(50)
    }
}

pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// One thing measured. Printed when it is dropped.
pub struct Figure(Map<String, Value>);

impl Figure {
    pub fn new(group: &str, name: &str, value: f64, unit: &str) -> Self {
        let Value::Object(map) = json!({ "group": group, "name": name, "value": value, "unit": unit }) else {
            unreachable!("an object was written")
        };
        Self(map)
    }

    /// The goal, in the figure's unit.
    pub fn at_most(self, goal: f64) -> Self {
        self.with("at_most", json!(goal))
    }

    /// The goal, in the figure's unit.
    pub fn at_least(self, goal: f64) -> Self {
        self.with("at_least", json!(goal))
    }

    /// Takes so many times as long as `other` did in this run, in the same unit. `goal`: at most so many.
    pub fn times_of(self, other: &str, value: f64, goal: Option<f64>) -> Self {
        let ratio = self.value() / value;
        self.beside(other, value, ratio, goal.map(|goal| ("ratio_at_most", goal)))
    }

    /// `other` took so many times as long in this run, in the same unit. `goal`: at least so many.
    pub fn faster_than(self, other: &str, value: f64, goal: f64) -> Self {
        let ratio = value / self.value();
        self.beside(other, value, ratio, Some(("ratio_at_least", goal)))
    }

    fn beside(self, other: &str, value: f64, ratio: f64, goal: Option<(&str, f64)>) -> Self {
        let set = self.with("beside", json!({ "name": other, "value": value })).with("ratio", json!(ratio));
        match goal {
            Some((name, goal)) => set.with(name, json!(goal)),
            None => set,
        }
    }

    fn value(&self) -> f64 {
        self.0["value"].as_f64().unwrap_or(f64::NAN)
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}

impl Drop for Figure {
    fn drop(&mut self) {
        println!("figure {}", Value::Object(std::mem::take(&mut self.0)));
    }
}
