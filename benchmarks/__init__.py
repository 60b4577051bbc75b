"""Measurements: speed, memory and accuracy, with their results in benchmarks/results."""
