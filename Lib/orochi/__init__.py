"""What Orochi offers beyond Python's standard library."""
