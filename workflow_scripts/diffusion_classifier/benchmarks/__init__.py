"""Benchmarks: the engine's speed against the authors' loop, the machine's peak and a whole run."""
