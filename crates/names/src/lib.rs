//! Names that people and programs go by: web addresses, hosts, the names of apps. Reads an address so that everybody
//! reads the same host in it, and tells which names a person could take for one another. Pure; refuses to repair.

mod alike;
mod app;
mod url;

pub use alike::{Skeleton, hosts_resemble, mixed_scripts};
pub use app::{AppNameError, check_app_name, readings, resembling};
pub use url::{UrlError, WebUrl};

/// Control characters, and those that hide or reorder their neighbours: Unicode's default-ignorable ones, line
/// separators and the marks of interlinear notes.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
