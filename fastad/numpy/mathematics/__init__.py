"""Mathematical functions: sums and products, differences, NaN-ignoring and elementwise ones."""
