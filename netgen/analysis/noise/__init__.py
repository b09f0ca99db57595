"""Noise of devices, of cells and of whole networks."""
