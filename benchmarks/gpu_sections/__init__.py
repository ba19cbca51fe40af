"""Sections of `benchmarks/gpu.py`, one module each, with a function ``run(report)``."""
