"""Implicit neural representations of a model (networks of the coordinates), and robust data misfits."""
