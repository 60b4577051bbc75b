"""Engines of gravity and magnetics, minimizers, and the speed of whole joint inversions."""
