//! Models of the heap: a block is freed by another thread while its owner allocates, ends, or its page is adopted.
#![cfg(orochi_loom)]

mod common;

use common::{Shared, fails, model};
use orochi_core::heap::{Heap, Kind, Space, free_from_anywhere};
use orochi_core::sync::{Arc, thread};
use std::ptr::NonNull;

fn live(heap: &Heap) -> NonNull<u8> {
    let block = heap.allocate(32, Kind::Container).expect("memory");
    // SAFETY: a fresh block.
    unsafe { block.cast::<usize>().write(0x1000) };
    block
}

fn owner_takes_what_another_thread_frees() {
    let heap = Heap::new(Arc::new(Space::new()));
    let block = Shared(live(&heap));
    let other = thread::spawn(move || {
        // SAFETY: freed once.
        unsafe { free_from_anywhere(block.get()) }
    });
    heap.collect_remote();
    let mine = live(&heap);
    other.join().expect("no panic");
    // SAFETY: freed once.
    unsafe { heap.free(mine) };
    heap.collect_remote();
    assert_eq!(heap.usage(Kind::Container).blocks, 0);
}

#[test]
fn remote_free() {
    model(owner_takes_what_another_thread_frees);
}

#[test]
fn remote_free_without_release_fails() {
    fails("heap: push remote", owner_takes_what_another_thread_frees);
}

#[test]
fn remote_free_without_acquire_fails() {
    fails("heap: take remote", owner_takes_what_another_thread_frees);
}

#[test]
fn remote_free_against_adoption() {
    model(|| {
        let space = Arc::new(Space::new());
        let first = Heap::new(space.clone());
        let (kept, freed) = (live(&first), Shared(live(&first)));
        let free = thread::spawn(move || {
            // SAFETY: freed once.
            unsafe { free_from_anywhere(freed.get()) }
        });
        let end = thread::spawn(move || drop(first));
        let second = Heap::new(space.clone());
        second.adopt_all();
        let mine = live(&second);
        free.join().expect("no panic");
        end.join().expect("no panic");
        second.adopt_all();
        // SAFETY: each freed once.
        unsafe {
            second.free(kept);
            second.free(mine);
        }
        second.collect_remote();
        assert_eq!(second.usage(Kind::Container).blocks, 0);
        drop(second);
        assert_eq!(space.committed_bytes(), 0);
    });
}
