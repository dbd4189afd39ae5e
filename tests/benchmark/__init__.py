"""Measurements beside peers in one run: `make bench`, or `python -m tests.benchmark`."""
