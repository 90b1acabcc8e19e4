"""Statistics: order statistics, correlations, averages, histograms."""

from . import averages, histograms, order_statistics
