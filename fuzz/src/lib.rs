//! The bodies of the fuzz targets: the very file that the stories run on every stored case. Here they get bytes
//! that nobody thought of; what they assert stands there and nowhere else.

#[path = "../../tests/src/hostile/mod.rs"]
pub mod hostile;
