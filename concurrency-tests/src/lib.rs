//! Models of the runtime's protocols for loom, under `tests/`. Run them with `concurrency-tests/run`.
