"""The results folder: where each file lies, and how it is written so that nothing is half there."""

from hemiscale.results.fingerprints import file_digest, fingerprint
from hemiscale.results.folder import ResultsFolder, safe_name
from hemiscale.results.stamped import read_stamped
from hemiscale.results.stored import (
    CHANGED,
    DamagedFileError,
    damage,
    read_activations,
    read_dataset,
    read_record,
    set_aside,
    set_aside_damaged,
    stored_fingerprint,
    verify_seal,
    write_activations,
    write_dataset,
    write_record,
)
from hemiscale.results.streaming import DatasetWriter, open_dataset, write_in_parts
from hemiscale.results.writing import (
    cannot_be_written,
    remove_leftovers,
    write_atomically,
    write_json,
    write_text,
)

__all__ = [
    "CHANGED",
    "DamagedFileError",
    "DatasetWriter",
    "ResultsFolder",
    "cannot_be_written",
    "damage",
    "file_digest",
    "fingerprint",
    "open_dataset",
    "read_activations",
    "read_dataset",
    "read_record",
    "read_stamped",
    "remove_leftovers",
    "safe_name",
    "set_aside",
    "set_aside_damaged",
    "stored_fingerprint",
    "verify_seal",
    "write_activations",
    "write_atomically",
    "write_dataset",
    "write_in_parts",
    "write_json",
    "write_record",
    "write_text",
]
