//! Tests of the heap on one OS thread and on several.

use super::*;
use std::collections::HashSet;

fn heap() -> Heap {
    Heap::new(Arc::new(Space::new()))
}

/// Allocates a block and makes it live.
fn live(heap: &Heap, size: usize, kind: Kind) -> NonNull<u8> {
    let block = heap.allocate(size, kind).expect("memory");
    // SAFETY: a fresh block of at least one word.
    unsafe {
        block.write_bytes(0xA5, size);
        block.cast::<usize>().write(0x1000);
    }
    block
}

fn blocks_of(heap: &Heap, kind: Kind) -> HashSet<usize> {
    let mut found = HashSet::new();
    // SAFETY: only collects addresses.
    unsafe { heap.for_each_block(kind, |block| assert!(found.insert(block.addr().get()))) };
    found
}

#[test]
fn blocks_of_all_sizes_are_apart_and_enumerated() {
    let heap = heap();
    let mut blocks = Vec::new();
    for round in 0..40 {
        for size in [16, 17, 48, 500, 513, 1000, 8192, 8193, 70_000, 3 << 20] {
            if size < 10_000 || round == 0 {
                blocks.push((live(&heap, size, Kind::Container), size));
            }
        }
    }
    let mut ranges: Vec<_> = blocks.iter().map(|(block, size)| (block.addr().get(), *size)).collect();
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        assert!(pair[0].0 + pair[0].1 <= pair[1].0);
        assert_eq!(pair[0].0 % GRANULE, 0);
    }
    assert_eq!(blocks_of(&heap, Kind::Container), ranges.iter().map(|range| range.0).collect());
    assert!(blocks_of(&heap, Kind::Leaf).is_empty());
    assert_eq!(heap.usage(Kind::Container).blocks, blocks.len());
    for (block, size) in blocks {
        // SAFETY: in use, freed once.
        unsafe {
            assert!(block_size(block) >= size);
            heap.free(block);
        }
    }
    assert!(blocks_of(&heap, Kind::Container).is_empty());
    assert_eq!(heap.usage(Kind::Container).blocks, 0);
}

#[test]
fn memory_goes_back_and_serves_other_sizes() {
    let heap = heap();
    for size in [32, 64, 128, 4096] {
        let blocks: Vec<_> = (0..(8 << 20) / size).map(|_| live(&heap, size, Kind::Leaf)).collect();
        assert!(heap.committed_bytes() >= 8 << 20);
        for block in blocks {
            // SAFETY: in use, freed once.
            unsafe { heap.free(block) };
        }
        assert!(heap.committed_bytes() <= 16 * PAGE_SIZE, "{} bytes left", heap.committed_bytes());
        assert_eq!(heap.committed_bytes(), heap.space().committed_bytes());
    }
}

#[test]
fn a_freed_block_is_used_again_first() {
    let heap = heap();
    let first = live(&heap, 40, Kind::Leaf);
    let _second = live(&heap, 40, Kind::Leaf);
    // SAFETY: in use, freed once.
    unsafe { heap.free(first) };
    assert_eq!(heap.allocate(48, Kind::Leaf), Some(first));
}

#[test]
fn other_threads_free() {
    let heap = heap();
    for _ in 0..20 {
        let blocks: Vec<_> =
            (0..5000).map(|_| live(&heap, 64, Kind::Container).expose_provenance()).collect();
        crate::sync::thread::spawn(move || {
            for block in blocks {
                // SAFETY: in use, freed once.
                unsafe { free_from_anywhere(NonNull::with_exposed_provenance(block)) };
            }
        })
        .join()
        .expect("no panic");
    }
    assert!(heap.committed_bytes() < 20 * 5000 * 64 / 4, "memory was not used again");
    heap.collect_remote();
    assert_eq!(heap.usage(Kind::Container).blocks, 0);
}

#[test]
fn pages_of_ended_threads_are_adopted() {
    let space = Arc::new(Space::new());
    let kept = crate::sync::thread::spawn({
        let space = space.clone();
        move || {
            let heap = Heap::new(space);
            let blocks: Vec<_> = (0..3000).map(|_| live(&heap, 64, Kind::Container)).collect();
            for block in &blocks[1..] {
                // SAFETY: in use, freed once.
                unsafe { heap.free(*block) };
            }
            let large = live(&heap, 100_000, Kind::Container);
            [blocks[0].expose_provenance(), large.expose_provenance()]
        }
    })
    .join()
    .expect("no panic");
    assert_eq!(space.abandoned_pages(), 2);
    let heap = Heap::new(space.clone());
    heap.adopt_all();
    assert_eq!(space.abandoned_pages(), 0);
    assert_eq!(blocks_of(&heap, Kind::Container), kept.iter().map(|address| address.get()).collect());
    for address in kept {
        // SAFETY: in use, freed once.
        unsafe { heap.free(NonNull::with_exposed_provenance(address)) };
    }
    drop(heap);
    assert_eq!(space.committed_bytes(), 0);
}

#[test]
fn marks() {
    let heap = heap();
    let blocks: Vec<_> = (0..100).map(|_| live(&heap, 80, Kind::Container)).collect();
    for block in &blocks {
        // SAFETY: in use.
        unsafe { assert!(!mark(*block)) };
    }
    for block in &blocks {
        // SAFETY: in use.
        unsafe {
            assert!(is_marked(*block) && mark(*block));
            unmark(*block);
            assert!(!is_marked(*block));
        }
    }
}

#[test]
fn the_alarm_rings_as_containers_grow() {
    let heap = heap();
    let rung = Arc::new(crate::sync::AtomicUsize::new(0));
    let bell = rung.clone();
    heap.set_alarm(
        1000,
        Box::new(move || {
            bell.fetch_add(1, Ordering::Relaxed);
        }),
    );
    for _ in 0..5000 {
        live(&heap, 64, Kind::Leaf);
        let block = live(&heap, 64, Kind::Container);
        // SAFETY: in use, freed once.
        unsafe { heap.free(block) };
    }
    assert_eq!(rung.load(Ordering::Relaxed), 0);
    for _ in 0..5000 {
        live(&heap, 64, Kind::Container);
    }
    assert!((4..=6).contains(&rung.load(Ordering::Relaxed)));
}

#[test]
fn memory_that_cannot_be_had_is_none() {
    assert_eq!(heap().allocate(usize::MAX / 2, Kind::Leaf), None);
    assert_eq!(heap().allocate(usize::MAX, Kind::Leaf), None);
}
