"""Mathematical functions: sums and products, differences, NaN-ignoring and elementwise ones."""

from . import differences, elementwise, nan_functions, reductions, scans, sequences, variances
