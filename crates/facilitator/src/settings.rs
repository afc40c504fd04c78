//! The settings file of the `countersign-facilitator` program.
pub const EXAMPLE: &str = "";
pub struct Settings;
pub struct KeySource;
pub struct LogFormat;
pub struct SettingsError;
