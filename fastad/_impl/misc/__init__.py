"""Helpers on top of the operators: flattening, optimizers, fixed points, graphs."""
