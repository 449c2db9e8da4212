"""Brightnesses: their columns, their units, their limits and their errors."""
