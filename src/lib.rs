//! The embedding façade.
