//! seller
