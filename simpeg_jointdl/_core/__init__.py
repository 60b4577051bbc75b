"""Foundation of all other subpackages: tensors, operators, estimates, files, checks and protocols.

It does not depend on meshes or inverse problems of SimPEG. Other subpackages import its modules, as in
``from .._core import validation as check`` or ``from .._core.protocols import HasChi``.
"""
