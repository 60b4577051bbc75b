"""What every other package stands on: tensors, operators, estimates, files, checks and protocols.

It knows no mesh and no inverse problem of SimPEG. Other packages import its modules, as in
``from .._core import validation as check`` or ``from .._core.protocols import HasChi``.
"""
