"""What every other package stands on: arrays and tensors, operators, files, checks and protocols.

It knows no mesh and no inverse problem of SimPEG's. Other packages import its modules: ``from .._core.files import
write_whole``, ``from .._core import validation as check``.
"""
