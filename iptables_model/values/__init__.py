"""Leaf values and how they are written."""
