"""Statistics: order statistics, correlations, averages, histograms."""
