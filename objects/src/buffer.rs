//! The buffer protocol: how bytes-like objects lend their memory.

use orochi_core::Value;

/// A view on an exporter's memory. While it exists the exporter doesn't move or free the memory (a bytearray that is
/// exported refuses to be resized).
pub struct BufferView {
    /// The exporter.
    pub owner: Value,
    /// Start of the first item.
    pub address: *mut u8,
    /// Bytes in all.
    pub len: usize,
    /// Whether the memory must not be written.
    pub readonly: bool,
    /// Bytes of an item.
    pub itemsize: usize,
    /// The `struct` format of an item.
    pub format: Box<str>,
    /// Items in each dimension.
    pub shape: Vec<isize>,
    /// Bytes from one item to the next in each dimension.
    pub strides: Vec<isize>,
}
