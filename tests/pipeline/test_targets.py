"""Stored scans go to the engine run by run, and give what a list of them gives."""

import warnings

import numpy as np
import pytest

from hemiscale.brain import prepared
from hemiscale.encoding import TargetBank
from hemiscale.errors import HemiscaleWarning
from hemiscale.pipeline.targets import Listener, StoredSubject

SLICES = [(0, slice(3, 37)), (1, slice(3, 29)), (2, slice(3, 41))]


@pytest.fixture
def stored(tmp_path):
    """Three recorded runs; voxel 5 lies outside of the listener's own mask."""
    rng = np.random.default_rng(0)
    files, marks, scans = [], [], []
    for k, n in enumerate((40, 32, 44), start=1):
        run = rng.standard_normal((n, 60)).astype(np.float32)
        run[:, 5] = np.nan
        scans.append(run)
        files.append(prepared.prepared_file(tmp_path, "one", k))
        marks.append(f"mark {k}")
        prepared.store_scans(files[-1], run, marks[-1], {}, n_subjects=1)
    return StoredSubject("one", files, marks, SLICES, partial=True), scans


def test_each_file_is_read_once_and_the_bank_is_that_of_a_list(stored, monkeypatch):
    subject, scans = stored
    read, asked = prepared.read_prepared, []
    monkeypatch.setattr(
        "hemiscale.brain.read_prepared",
        lambda path, mark: asked.append(path) or read(path, mark),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # voxels outside of the own mask are no news
        ours = subject.bank("cpu")
    assert asked == subject.files
    with pytest.warns(HemiscaleWarning, match="1 of 60 targets"):
        truth = TargetBank([scans[run][rows] for run, rows in SLICES])
    np.testing.assert_array_equal(ours.order, truth.order)
    np.testing.assert_array_equal(np.flatnonzero(~ours.usable), [5])
    for k in range(len(truth)):
        np.testing.assert_array_equal(ours.block(k).data, truth.block(k).data)


def test_a_listener_knows_lengths_without_reading():
    assert Listener([], [], SLICES).lengths == [34, 26, 38]
