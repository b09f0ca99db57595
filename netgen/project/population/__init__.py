"""Variants of a build: chips and corners, simulated and reported."""
