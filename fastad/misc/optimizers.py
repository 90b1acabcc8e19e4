"""Stochastic gradient descent, RMSprop and Adam, for parameters in any nesting of containers."""

from .._impl.misc.optimizers import adam, rmsprop, sgd, unflatten_optimizer

__all__ = ["adam", "rmsprop", "sgd", "unflatten_optimizer"]
