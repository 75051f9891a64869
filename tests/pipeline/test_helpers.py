"""Help with recordings and halves: in order, within memory, and done here where it must be."""

import warnings

import numpy as np
import pytest

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.pipeline import read_inputs
from hemiscale.pipeline.brain_side import read_brain_side
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.reliability import reliability_of_halves
from hemiscale.results import ResultsFolder, file_digest
from hemiscale.study import read_study


def power(base, exponent, *, modulus):
    return base**exponent % modulus


def test_results_come_in_order_whatever_the_number_of_processes():
    items = [(k, 3) for k in range(7)]
    expected = [k**3 % 11 for k in range(7)]
    assert list(Helpers(1).map(power, items, modulus=11)) == expected
    assert list(Helpers(2).map(power, items, modulus=11)) == expected
    assert list(Helpers(2).map(power, [], modulus=11)) == []


def total(numbers, *, times):
    return times * sum(numbers)


class Noting:
    """A cluster that notes for how much it is asked."""

    def __init__(self):
        self.asked = []

    def map(self, function, items, **common):
        self.asked.append(len(items))
        yield from (function(*item, **common) for item in items)


def test_small_items_go_together_and_one_batch_goes_to_nobody():
    cluster = Noting()
    helpers = Helpers(1, cluster)
    found = list(helpers.map_batches(total, [1, 2, 3, 4, 5], [1, 1, 9, 1, 1], least=2, times=2))
    assert found == [([1, 2], 6), ([3], 6), ([4, 5], 18)]
    assert list(helpers.map_batches(total, [1, 2], [1, 1], least=9, times=1)) == [([1, 2], 3)]
    assert list(helpers.map_batches(total, [], [], least=1, times=1)) == []
    assert cluster.asked == [3]


def test_no_more_processes_than_fit_into_memory(monkeypatch):
    asked = []

    class Parallel:
        def __init__(self, n_jobs, **options):
            asked.append(n_jobs)

        def __call__(self, calls):
            return [function(*args, **kwargs) for function, args, kwargs in calls]

    monkeypatch.setattr("joblib.Parallel", Parallel)
    monkeypatch.setattr("hemiscale.models.estimates.available_memory", lambda: 100.0)
    items = [(k, 2) for k in range(9)]
    for memory in (0.0, 10.0, 24.0, 30.0):
        assert len(list(Helpers(4).map(power, items, memory=memory, modulus=5))) == 9
    assert asked == [4, 4, 2]  # and none for what fits once


class Blind:
    """A cluster of workers who see no recording of one listener."""

    def __init__(self):
        self.asked = 0

    def map(self, function, items, **common):
        for item in items:
            self.asked += 1
            blind = item[0][0].subject == "s2" or len(item[0]) > 1
            yield None if blind else function(*item, **common)


def test_recordings_that_workers_do_not_see_are_cleaned_here(volume_folder, tmp_path, capfd):
    from rich.console import Console

    study = read_study(volume_folder / "study.toml")
    inputs = read_inputs(study)
    display = Display(Console(stderr=True), quiet=True)
    digests = []
    for name, helpers in (("here", Helpers()), ("there", Helpers(1, Blind()))):
        folder = ResultsFolder(tmp_path / name)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", HemiscaleWarning)
            read_brain_side(study, inputs, folder, display, helpers)
        said = [str(w.message) for w in caught if "workers do not see" in str(w.message)]
        files = sorted(folder.prepared.glob("*/*.nc"))
        digests.append([file_digest(path) for path in files])
        assert len(files) == 4 * 3
        assert bool(said) == (name == "there")
    assert helpers.cluster.asked == 3 * 3 + 3
    assert digests[0] == digests[1]
    assert "sub-s2" in said[0]
    assert len(said) == len(set(said))


def test_a_recording_that_goes_away_is_said(volume_folder, tmp_path, bold_path):
    from rich.console import Console

    class Thief(Blind):
        def map(self, function, items, **common):
            bold_path(volume_folder, "s2", 2).unlink(missing_ok=True)
            for item in items:
                yield function(*item, **common)

    study = read_study(volume_folder / "study.toml")
    inputs, folder = read_inputs(study), ResultsFolder(tmp_path / "out")
    with pytest.raises(InputError, match=r"sub-s2.*run-7.*is not there any more"):
        read_brain_side(study, inputs, folder, Display(Console(), quiet=True), Helpers(1, Thief()))


def test_halves_are_the_same_whoever_helps(study_folder, monkeypatch):
    from hemiscale.pipeline.region_targets import region_targets

    monkeypatch.setattr("hemiscale.pipeline.reliability.SMALL", 0)
    study = read_study(study_folder / "study.toml")
    targets = region_targets(study, study.recordings, read_inputs(study))
    made = [
        reliability_of_halves(
            targets, n_splits=3, seed=4, helpers=Helpers(n), progress=lambda *_: None
        )
        for n in (1, 2)
    ]
    np.testing.assert_array_equal(made[0], made[1])
