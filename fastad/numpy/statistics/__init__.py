"""Statistics: order statistics, correlations, averages, histograms."""

from . import averages, correlations, histograms, order_statistics
