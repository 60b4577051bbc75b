"""Joint inversions of published data sets whose answer is known."""
