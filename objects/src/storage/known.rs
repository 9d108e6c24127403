//! What a thread has found out about attributes, for instructions that meet objects of more kinds than their inline caches
//! hold: a table by name and the number of the object's shape or class. Only its own thread sees it.
//!
//! Numbers are never used twice, so an entry that is out of date is never found. Names are interned and immortal, so their
//! addresses are not used twice either.

use crate::types::str::PyStr;
use orochi_core::Obj;
use orochi_core::word::{UNBOUND, Word};

const SIZE: usize = 512;

/// What an instruction does with the attribute. The numbers are added to the name's address, whose low bits are clear.
#[derive(Clone, Copy)]
pub enum Use {
    /// It is read.
    Load = 0,
    /// It is assigned.
    Store = 1,
    /// It is a method that is called.
    Method = 2,
}

/// An entry: what the interpreter wants to know, as its inline caches say it.
#[derive(Clone, Copy)]
pub struct Entry {
    key: usize,
    number: u32,
    /// As the lower half of an inline cache.
    pub what: u32,
    /// A value that the class holds, as a register's word.
    pub word: Word,
}

impl Entry {
    /// The number of the shape or class.
    #[inline(always)]
    pub fn number(&self) -> u32 {
        self.number
    }
}

/// The table. Its memory is taken when the first entry is made.
#[derive(Default)]
pub struct Known {
    entries: Option<Box<[Entry; SIZE]>>,
    turn: u8,
}

fn place(key: usize, number: u32) -> usize {
    // Names lie 16 bytes apart at least; numbers come one after the other.
    ((key >> 4) ^ (key & 3) << 7 ^ (number as usize).wrapping_mul(7)) % SIZE
}

impl Known {
    /// What is known of a name of objects with this number.
    #[inline]
    pub fn find(&self, name: &Obj<PyStr>, how: Use, number: u32) -> Option<&Entry> {
        let key = std::ptr::from_ref(name) as usize + how as usize;
        let entry = &self.entries.as_ref()?[place(key, number)];
        (entry.key == key && entry.number == number && number != 0).then_some(entry)
    }

    /// True once in 256 times: then an inline cache is given what the table knew, since what it holds may be out of date. More often
    /// would make threads that share an instruction, which meets many kinds of objects, write to the same memory.
    pub fn is_turn(&mut self) -> bool {
        self.turn = self.turn.wrapping_add(1);
        self.turn == 0
    }

    /// Notes what was found out. Only of interned names.
    pub fn note(&mut self, name: &Obj<PyStr>, how: Use, number: u32, what: u32, word: Word) {
        if number == 0 || !name.is_interned() {
            return;
        }
        let key = std::ptr::from_ref(name) as usize + how as usize;
        let empty = Entry { key: 0, number: 0, what: 0, word: UNBOUND };
        let entries = self.entries.get_or_insert_with(|| Box::new([empty; SIZE]));
        entries[place(key, number)] = Entry { key, number, what, word };
    }
}
