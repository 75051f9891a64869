from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hemiscale.brain import Grid, Recording, check_recordings, swapped_runs

GRID = Grid((9, 9, 9), ((4.0, 0, 0, -16), (0, 4.0, 0, -16), (0, 0, 4.0, -16), (0, 0, 0, 1.0)))
N_SCANS, ENDS = (100, 120, 110), (195.0, 236.0, 215.0)


@pytest.fixture
def recordings():
    return [
        Recording(Path(f"{s}-{run}.nii.gz"), s, run, n, GRID, 2.0, "header")
        for s in ("a", "b", "c")
        for run, n in enumerate(N_SCANS, start=1)
    ]


@pytest.fixture
def mask(make_image):
    return make_image(np.ones((7, 7, 7)))


def check(recordings, **more):
    return check_recordings(recordings, n_runs=3, t_r=2.0, story_ends=ENDS, **more)


def test_all_is_well(recordings, mask):
    assert check(recordings, mask_img=mask) == []


def change(recordings, index, **what):
    return [replace(r, **what) if k == index else r for k, r in enumerate(recordings)]


def moved(x=0.0, flip=False):
    matrix = GRID.matrix
    if flip:
        matrix[0] *= -1
    matrix[0, 3] += x
    return Grid(GRID.shape, tuple(map(tuple, matrix.tolist())))


@pytest.mark.parametrize(
    ("index", "what", "message"),
    [
        (1, {"run": 3}, "a: run 2 is missing (the story has 3 runs)."),
        (2, {"run": 4}, "a: has run 4 but the story has only 3 runs."),
        (1, {"t_r": 3.0}, "a-2.nii.gz: the header gives a TR of 3 s where the study states 2 s."),
        (4, {"n_scans": 119}, "b-2.nii.gz: run 2 of b has 119 scans where most have 120."),
        (0, {"doubts": ("left is doubtful.",)}, "left is doubtful."),
        (0, {"grid": Grid((8, 9, 9), GRID.affine)}, "has another grid: 8 x 9 x 9 voxels of 4 x 4"),
        (0, {"grid": moved(2.0)}, "the same voxels, but placed or turned differently"),
        (0, {"grid": moved(flip=True)}, "stored from right to left where most go"),
    ],
)
def test_one_sentence_says_what_is_wrong(recordings, index, what, message):
    problems = check(change(recordings, index, **what))
    assert any(message in problem for problem in problems), problems


def test_run_twice(recordings):
    problems = check(change(recordings, 1, run=3, n_scans=110))
    assert "a: run 3 is there more than once." in problems


def test_run_too_short_for_its_story_names_the_story_it_fits(recordings):
    for k in (1, 4, 7):
        recordings = change(recordings, k, n_scans=100)
    problems = check(recordings)
    assert problems == [
        f"{s}-2.nii.gz: run 2 of {s} lasts 200 s (100 scans) but its story ends at 236.0 s; it "
        "would fit the story of run 1; is a run missing, cut off or swapped?"
        for s in "abc"
    ]


def test_last_word_may_end_within_the_scan_after_the_last(recordings):
    assert check_recordings(recordings, n_runs=3, t_r=2.0, story_ends=(201.9, 236, 215)) == []
    assert len(check_recordings(recordings, n_runs=3, t_r=2.0, story_ends=(203, 236, 215))) == 3


def test_unknown_t_r_is_taken_from_the_study(recordings):
    unknown = [replace(r, t_r=None, t_r_source="") for r in recordings]
    assert check(unknown) == []


def test_mask_in_another_space(recordings, make_image):
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = [-12 + 100, -12, -12]
    problems = check(recordings, mask_img=make_image(np.ones((7, 7, 7)), affine))
    assert len(problems) == len(recordings)
    assert "100% of the mask lies outside this image; the mask is in another space" in problems[0]


def simulated(n_targets=40, noise=3.0):
    rng = np.random.default_rng(0)
    rates = [rng.normal(size=n) for n in N_SCANS]
    response = rng.normal(size=n_targets)
    return [
        rate[:, None] * response + noise * rng.normal(size=(len(rate), n_targets)) for rate in rates
    ], rates


def test_swapped_runs_are_found():
    scans, rates = simulated()
    assert swapped_runs(scans, rates) == []
    # Three runs of which two are swapped leave one to tell the responding voxels from.
    doubts = swapped_runs([scans[1], scans[0], scans[2]], rates)
    assert len(doubts) == 2
    assert doubts[0].startswith("run 1: its scans follow the words of run 2")
    assert doubts[1].startswith("run 2: its scans follow the words of run 1")


def test_noise_raises_no_doubt_about_runs():
    rng = np.random.default_rng(1)
    scans = [rng.normal(size=(200, 50)) for _ in range(4)]
    rates = [rng.normal(size=200) for _ in range(4)]
    assert swapped_runs(scans, rates, margin=0.3) == []
    with pytest.raises(ValueError, match="4 runs of time courses but 3"):
        swapped_runs(scans, rates[:3])
