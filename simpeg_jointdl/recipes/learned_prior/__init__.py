"""Inversion over the latent vector of a learned prior."""

from ._create import create_prior_inversion

__all__ = ["create_prior_inversion"]
