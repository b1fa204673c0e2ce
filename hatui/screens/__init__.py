"""Screens: one module each, at most 300 lines."""
