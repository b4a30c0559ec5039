"""MECHANISM: virtual threads, their primitives, clock and patches. Nothing here chooses."""
