"""Results that others can check: the protocol of docs/benchmark.md, files that report a method under it, and their check."""
