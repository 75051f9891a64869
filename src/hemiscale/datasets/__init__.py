"""Data sets that hemiscale knows: study files, and what the package carries of their data."""

from hemiscale.datasets.alice import alice_study
from hemiscale.datasets.templates import TEMPLATES, write_template

__all__ = ["TEMPLATES", "alice_study", "write_template"]
