"""Benchmarks of what the README and the design claim; run by hand, never part of a test."""
