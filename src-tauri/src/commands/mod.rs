//! What the windows may ask of the core. Each command is a few lines over the desk; which window may call
//! which stands in the capability files.

pub mod accounts;
pub mod ask;
pub mod look;
pub mod record;
pub mod secret;

use crate::house::House;
use tauri::State;
use view::Failure;

pub type Answer<T> = Result<T, Failure>;
pub type TheHouse<'a> = State<'a, House>;
