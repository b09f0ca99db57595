"""Populations of variants against software, and what their errors come from."""
