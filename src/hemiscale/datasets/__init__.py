"""Data sets that hemiscale knows: study files, and what the package carries of their data."""

from hemiscale.datasets.alice import alice_study
from hemiscale.datasets.bucket import list_bucket
from hemiscale.datasets.fetch import Fetched, fetch_files, missing_bytes
from hemiscale.datasets.petit_prince import (
    petit_prince_mask,
    petit_prince_region_masks,
    petit_prince_reliability,
    petit_prince_words,
)
from hemiscale.datasets.petit_prince.files import petit_prince_average_files, petit_prince_files
from hemiscale.datasets.templates import TEMPLATES, write_template
from hemiscale.datasets.transfer import RemoteFile

__all__ = [
    "TEMPLATES",
    "Fetched",
    "RemoteFile",
    "alice_study",
    "fetch_files",
    "list_bucket",
    "missing_bytes",
    "petit_prince_average_files",
    "petit_prince_files",
    "petit_prince_mask",
    "petit_prince_region_masks",
    "petit_prince_reliability",
    "petit_prince_words",
    "write_template",
]
