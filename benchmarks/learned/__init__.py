"""Networks that were trained beforehand: the learned prior, and gravity and magnetics to models."""
