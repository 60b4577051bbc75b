"""Physical constants, as SimPEG has them."""

from __future__ import annotations

from scipy.constants import mu_0

#: Magnetic permeability of vacuum in H/m (CODATA, through scipy). SimPEG uses the same value.
MU_0: float = mu_0
