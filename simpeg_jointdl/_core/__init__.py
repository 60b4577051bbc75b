"""What every room stands on: tensors, operators, estimates, files, validation and protocols."""
