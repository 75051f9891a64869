"""hemiscale: how well language models predict the brain, and how that grows."""

__version__ = "0.1.0"
