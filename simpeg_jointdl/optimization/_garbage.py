"""What SimPEG's collections of garbage need not look at."""

from __future__ import annotations

import contextlib
import gc


@contextlib.contextmanager
def older_objects_kept():
    """SimPEG collects garbage at every evaluation, and torch's modules alone make that a tenth of a second each."""
    if gc.get_freeze_count():  # by somebody else, whose it is to end
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
