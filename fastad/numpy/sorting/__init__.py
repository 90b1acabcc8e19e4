"""Sorting, selecting and sets."""
