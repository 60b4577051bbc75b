"""Couplings: what they cost, what their ratio means, and what they do where nothing is shared."""
