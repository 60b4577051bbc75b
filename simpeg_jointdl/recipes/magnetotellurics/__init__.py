"""Inversion of magnetotelluric soundings over layered columns."""

from ._create import create_mt_inversion
from ._recipe import MTRecipe

__all__ = ["MTRecipe", "create_mt_inversion"]
