"""Data sets that hemiscale knows: study files, and what the package carries of their data."""

from hemiscale.datasets.alice import alice_study
from hemiscale.datasets.petit_prince import (
    petit_prince_mask,
    petit_prince_region_masks,
    petit_prince_reliability,
)
from hemiscale.datasets.templates import TEMPLATES, write_template

__all__ = [
    "TEMPLATES",
    "alice_study",
    "petit_prince_mask",
    "petit_prince_region_masks",
    "petit_prince_reliability",
    "write_template",
]
