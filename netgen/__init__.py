"""netgen: from a trained recurrent network to the transistor circuit that computes the same."""

from netgen._version import __version__

__all__ = ["__version__"]
