//! The three schemes from end to end: at the wallet's own verbs with the clock in hand, and through the real port, the
//! practice shop and the facilitator as an app meets them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod counter;
mod options;
mod port;
mod wallet;

#[test]
fn all_of_this_over_three_doors() {
    stories::doors::again_over(stories::doors::Kind::Apart, "all_of_this_over");
}
