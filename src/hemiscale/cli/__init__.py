"""The commands: thin, and quick to start."""

from hemiscale.cli.commands import app, main

__all__ = ["app", "main"]
