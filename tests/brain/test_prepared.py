from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from hemiscale.brain import (
    Cleaning,
    average_subject,
    clean_volumes,
    describe_recording,
    prepare_average,
    prepare_recording,
    prepared_file,
    read_prepared,
)
from hemiscale.brain import prepared as module
from hemiscale.errors import HemiscaleError, HemiscaleWarning, InputError

SHAPE, N_SCANS = (5, 6, 4), 60
CLEANING = Cleaning(2.0)


@pytest.fixture
def mask(make_image):
    return make_image(np.random.default_rng(9).random(SHAPE) > 0.3)


@pytest.fixture
def recordings(make_image, tmp_path):
    rng = np.random.default_rng(0)
    found = []
    for run in (1, 2):
        for subject in ("a", "b", "c"):
            path = tmp_path / "raw" / f"{subject}-{run}.nii.gz"
            path.parent.mkdir(exist_ok=True)
            make_image(rng.normal(size=(*SHAPE, N_SCANS)).astype(np.float32)).to_filename(path)
            found.append(describe_recording(path, subject=subject, run=run))
    return found


@pytest.fixture
def cleaned(monkeypatch):
    """Which files were cleaned, in order."""
    seen = []

    def counting(path, *arguments, **options):
        seen.append(path.name)
        return clean_volumes(path, *arguments, **options)

    monkeypatch.setattr(module, "clean_volumes", counting)
    return seen


def test_one_run_is_stored_and_not_made_again(recordings, mask, tmp_path, cleaned):
    path, mark = prepare_recording(recordings[0], mask, CLEANING, tmp_path / "out")
    assert path == prepared_file(tmp_path / "out", "a", 1)
    values = read_prepared(path, mark)
    np.testing.assert_array_equal(values, clean_volumes(recordings[0].path, mask, CLEANING))
    with pytest.raises(HemiscaleError, match=r"run-01\.nc: not the scans that this study was"):
        read_prepared(path, "another mark")
    assert values.dtype == np.float32
    prepare_recording(recordings[0], mask, CLEANING, tmp_path / "out")
    assert cleaned == ["a-1.nii.gz"]


@pytest.mark.parametrize("change", ["cleaning", "mask", "confounds", "bytes", "damage"])
def test_anything_else_makes_it_again(recordings, mask, tmp_path, cleaned, change, make_image):
    out = tmp_path / "out"
    path, mark = prepare_recording(recordings[0], mask, CLEANING, out)
    cleaning, options = CLEANING, {}
    if change == "cleaning":
        cleaning = replace(CLEANING, high_pass=100.0)
    elif change == "mask":
        data = np.asarray(mask.dataobj).copy()
        data[tuple(np.argwhere(data)[0])] = 0
        mask = make_image(data)
    elif change == "confounds":
        options["confounds"] = np.random.default_rng(0).normal(size=(N_SCANS, 1))
    elif change == "bytes":
        recordings[0].path.write_bytes(recordings[1].path.read_bytes())
    else:
        path.write_bytes(path.read_bytes()[:1000])
    said = pytest.warns(HemiscaleWarning, match="damaged") if change == "damage" else nullcontext()
    with said:
        made = prepare_recording(recordings[0], mask, cleaning, out, **options)
    assert cleaned == ["a-1.nii.gz"] * 2
    assert np.isfinite(read_prepared(*made)).all()
    assert (made.mark == mark) == (change == "damage")


def test_average_subject_run_by_run(recordings, mask, tmp_path, cleaned):
    seen = []
    averages = prepare_average(
        recordings, mask, CLEANING, tmp_path / "out", progress=lambda k, n: seen.append((k, n))
    )
    assert [average.path.name for average in averages] == ["run-01.nc", "run-02.nc"]
    for run, average in enumerate(averages, start=1):
        each = [clean_volumes(r.path, mask, CLEANING) for r in recordings if r.run == run]
        np.testing.assert_allclose(read_prepared(*average), average_subject(each), atol=1e-6)
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"average"}
    assert seen[-1] == (6, 6)
    assert [k for k, _ in seen] == sorted(k for k, _ in seen)


def test_average_goes_on_after_a_crash(recordings, mask, tmp_path, monkeypatch, cleaned):
    broken = recordings[4].path  # b, run 2
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-300])
    with pytest.raises(InputError, match="cut off"):
        prepare_average(recordings, mask, CLEANING, tmp_path / "out", keep_individuals=True)
    broken.write_bytes(whole)
    before = list(cleaned)
    averages = prepare_average(recordings, mask, CLEANING, tmp_path / "out", keep_individuals=True)
    assert before == ["a-1.nii.gz", "b-1.nii.gz", "c-1.nii.gz", "a-2.nii.gz", "b-2.nii.gz"]
    assert cleaned[len(before) :] == ["b-2.nii.gz", "c-2.nii.gz"]
    each = [
        read_prepared(*prepare_recording(r, mask, CLEANING, tmp_path / "out"))
        for r in recordings[3:]
    ]
    assert len(cleaned) == len(before) + 2
    np.testing.assert_allclose(read_prepared(*averages[1]), average_subject(each), atol=1e-6)


def test_individuals_asked_for_later_are_made_then(recordings, mask, tmp_path, cleaned):
    out = tmp_path / "out"
    prepare_average(recordings, mask, CLEANING, out)
    assert not prepared_file(out, "a", 1).exists()
    prepare_average(recordings, mask, CLEANING, out, keep_individuals=True)
    assert prepared_file(out, "c", 2).exists()
    assert len(cleaned) == 12
    prepare_average(recordings, mask, CLEANING, out, keep_individuals=True)
    assert len(cleaned) == 12


def test_average_of_other_subjects_is_another_one(recordings, mask, tmp_path, cleaned):
    out = tmp_path / "out"
    first = read_prepared(*prepare_average(recordings, mask, CLEANING, out)[0])
    fewer = [r for r in recordings if r.subject != "b"]
    second = read_prepared(*prepare_average(fewer, mask, CLEANING, out)[0])
    assert np.abs(first - second).max() > 0.1
    assert len(cleaned) == 10


def test_subjects_must_have_the_same_runs_and_scans(recordings, mask, tmp_path):
    with pytest.raises(InputError, match="run 2: c is missing"):
        prepare_average(recordings[:-1], mask, CLEANING, tmp_path / "out")
    unequal = [*recordings[:-1], replace(recordings[-1], n_scans=59)]
    with pytest.raises(InputError, match="run 2: the subjects have 59 and 60 scans"):
        prepare_average(unequal, mask, CLEANING, tmp_path / "out")
    with pytest.raises(InputError, match="more than once"):
        prepare_average([*recordings, recordings[0]], mask, CLEANING, tmp_path / "out")
