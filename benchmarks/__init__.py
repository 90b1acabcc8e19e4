"""The benchmark suite: fastad beside its peers and the plain evaluation, `python -m benchmarks`."""
