"""Measurements of speed, memory and accuracy.

Run one from the root of the repository: ``python -m benchmarks.couplings.coupling_cost``. It prints its tables and
stores them in ``benchmarks/results``, one CSV file per script, with the versions and the machine. ``python -m
benchmarks.tables`` then writes the pages of ``docs/benchmarks`` from the texts in ``benchmarks/pages`` and the stored
tables. A new script needs a docstring that says what it measures and how to run it, `_common.results.make_parser` for
its command line, `_common.results.Table` and `_common.results.store` for its tables, and a marker in a page.
"""
