"""A short calibration: what holds, what naive versions miss; its page says it is simulated."""

import json

import numpy as np
import pytest

from hemiscale.calibration import calibrate
from hemiscale.calibration.laws import SCENARIOS, examine_laws
from hemiscale.calibration.rises import NOISE, ORDER, UNITS, examine_rises
from hemiscale.calibration.runs import examine_engine, examine_runs
from hemiscale.calibration.tally import Tally
from hemiscale.calibration.voxels import examine_voxels
from hemiscale.simulation import PlantedLaw, ScoreSimulator

NULL = "no growth of asymmetry, families differ in level"
PLANTED = "planted, families differ in level and slope"


def held(tally, n_errors=3.0):
    """Bounds of the bar, 93 to 97 %, given the number of studies."""
    error = np.sqrt(0.95 * 0.05 / tally.n)
    return 0.93 - n_errors * error <= tally.held / tally.n <= 0.97 + n_errors * error


@pytest.mark.slow
def test_intervals_hold_what_is_planted_and_naive_ones_do_not():
    tallies = examine_laws(SCENARIOS[PLANTED], range(60), seed=1)
    for name in (
        "score of a model, over listeners",
        "left − right of a model, over listeners",
        "left − right of a model and listener, over runs",
        "slope of score, over families",
        "slope of left − right, over families",
        "slope of left − right, over listeners, models given",
        "slope of left − right, over families and listeners",
        "crossing, over families",
        "crossing, over families and listeners",
    ):
        assert held(tallies[name]), (name, tallies[name])
    for name in (
        "naive: slope of score, models as independent",
        "naive: slope of left − right, voxels as independent",
    ):
        assert tallies[name].held / tallies[name].n < 0.87, name


@pytest.mark.slow
def test_without_growth_a_test_says_yes_as_often_as_it_should():
    tallies = examine_laws(SCENARIOS[NULL], range(60), seed=2)
    for name in (
        "slope of left − right, over families",
        "slope of left − right, over families and listeners",
    ):
        tally = tallies[name]
        assert tally.without_zero / tally.n <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / tally.n)
    naive = tallies["naive: slope of left − right, voxels as independent"]
    assert naive.without_zero / naive.n > 0.1  # twice as often as it should


@pytest.mark.slow
def test_runs_that_choose_for_each_other_are_less_sure_than_their_scatter_says():
    tallies = examine_runs(9, range(60), seed=0)
    for name in (
        "score, 12 layers",
        "left − right, 12 layers",
        "score, 48 layers",
        "score, 12 layers, neighbours alike",
        "slope of score, 28 models",
        "slope of left − right, 28 models",
        "crossing of left − right, 28 models",
    ):
        assert held(tallies[name]), (name, tallies[name])
    too_short = [
        tally.held / tally.n
        for name, tally in tallies.items()
        if name.startswith("naive") and name.endswith("layers, runs as independent")
    ]
    assert np.mean(too_short) < 0.89
    for n_layers, least in ((12, 0.015), (48, 0.025)):
        by_test = tallies[f"naive: score, {n_layers} layers, chosen by test"].summary()
        fair = tallies[f"score, {n_layers} layers"].summary()
        assert by_test["bias"] > least
        assert by_test["held"] < 50
        assert abs(fair["bias"]) < 4 * fair["bias_error"]


@pytest.mark.slow
def test_runs_that_train_each_others_models_are_less_sure_as_well():
    tallies = examine_engine(4, 40, seed=0)
    shipped = [t for name, t in tallies.items() if not name.startswith("naive")]
    naive = [t for name, t in tallies.items() if name.startswith("naive")]
    assert len(shipped) == len(naive) == 8
    assert sum(t.held for t in shipped) / sum(t.n for t in shipped) > 0.9
    assert sum(t.held for t in naive) < sum(t.held for t in shipped)
    assert all(t.width > n.width for t, n in zip(shipped, naive, strict=True))


def test_voxels_as_independent_see_what_is_not_there():
    tallies = examine_voxels(range(80), seed=0)
    assert held(tallies["left − right, over listeners"])
    assert held(tallies["left − right, over runs"])
    naive = tallies["naive: left − right, t-test over voxels"]
    assert naive.without_zero / naive.n > 0.1  # twice as often as it should


def test_the_step_at_half_of_a_rise_is_held_and_not_early_and_its_order_is_not_made_up():
    tallies = examine_rises(range(40), seed=3)
    assert len(tallies) == 4 * len(UNITS) * len(NOISE)

    def of(units, *noises, naive=False, order=False):
        return sum(
            (
                tally
                for name, tally in tallies.items()
                if name.startswith("naive") == naive
                and name.endswith(ORDER) == order
                and units in name
                and any(f"noise {noise:g}" in name for noise in noises)
            ),
            start=Tally(),
        )

    assert held(of("listeners", *NOISE))
    assert held(of("that share", *NOISE))
    for few in ("3 listeners", "6 listeners", "6 runs,", "9 runs,"):
        one = of(few, *NOISE)
        assert one.held / one.n > 0.93 - 3 * np.sqrt(0.05 * 0.95 / one.n)  # runs: too wide is said
    assert of("6 listeners", *NOISE, naive=True).summary()["held"] < 90
    assert of("that share", *NOISE, naive=True).summary()["held"] < 85
    for units in ("listeners", "runs"):
        said, naive = (of(units, *NOISE, naive=n, order=True) for n in (False, True))
        assert said.without_zero / said.n < 0.05 + 2 * np.sqrt(0.05 * 0.95 / said.n)
        assert naive.without_zero / naive.n > 0.075
        for noise in NOISE:
            bias = of(units, noise).summary()
            assert abs(bias["bias"]) < 4 * bias["bias_error"]
        assert of(units, 0.3, naive=True).summary()["bias"] < -0.5  # early by half a doubling


def test_tallies_add_up():
    a, b = Tally(), Tally()
    a.add(0.2, 0.1, 0.3, 0.25)
    b.add(0.0, -0.1, 0.1, 0.2)
    b.add(np.nan, np.nan, np.nan, 0.2)
    b.add(0.0, -np.inf, 0.1, 0.0)
    both = a + b
    assert (both.n, both.none, both.held, both.without_zero) == (3, 1, 2, 1)
    assert both.summary()["width"] == pytest.approx(0.2)  # of the two with finite ends
    assert both.summary()["bias"] == pytest.approx(-0.25 / 3)
    assert Tally(*both.counts()) == both


def test_scores_of_a_simulated_study_are_those_that_were_planted():
    simulator = ScoreSimulator(
        np.geomspace(1e8, 1e10, 6), ["a", "b", "c", "d", "e", "f"], n_listeners=6, n_pairs=12
    )
    law = PlantedLaw()
    left, right = simulator.homologues
    off, asymmetry = [], []
    for k in range(40):
        study = simulator.study(law, np.random.default_rng(k))
        mean = study.scores.mean(axis=(1, 2, 3))
        off.append((mean - study.gain * study.score_of_models).mean())
        found = (study.scores[..., left] - study.scores[..., right]).mean(axis=(2, 3))
        asymmetry.append((found - study.asymmetry_of_listeners).mean())
    assert abs(np.mean(off)) < 4 * np.std(off) / np.sqrt(40) + 0.001
    assert abs(np.mean(asymmetry)) < 4 * np.std(asymmetry) / np.sqrt(40)
    first, again = (simulator.study(law, np.random.default_rng(3)).scores for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_noise_of_recordings_moves_the_lines_of_all_models_alike():
    sizes = np.geomspace(1e8, 1e10, 120)
    simulator = ScoreSimulator(sizes, ["one"] * 120, n_listeners=4, n_pairs=12)
    exact = dict.fromkeys(
        ("family_sd", "model_sd", "asymmetry_family_sd", "asymmetry_model_sd"), 0.0
    )
    law = PlantedLaw(**exact)
    left, right = simulator.homologues
    x = simulator.log_size - simulator.log_size.mean()
    off_there, off_here, off_slope = [], [], []
    for k in range(12):
        study = simulator.study(law, np.random.default_rng(k))
        gap = (study.scores[..., left] - study.scores[..., right]).mean(axis=(1, 2, 3))
        slope, level = np.polyfit(x, gap, 1)
        off_there.append(level - study.level_of_listeners.mean())
        off_here.append(level - study.level_in_recordings)
        off_slope.append(slope - study.slope_in_recordings)
    # What 120 models show without noise of their own is the line in these recordings.
    assert np.std(off_here) < np.std(off_there) / 3
    assert abs(np.mean(off_here)) < 4 * np.std(off_here) / np.sqrt(12)
    assert abs(np.mean(off_slope)) < 4 * np.std(off_slope) / np.sqrt(12)


def test_the_command_goes_on_where_it_stopped_and_its_page_says_simulated(tmp_path):
    said = []
    page = calibrate(tmp_path, n_studies=2, say=said.append)
    text = page.read_text(encoding="utf-8")
    assert "**simulated**" in text
    assert "over families and listeners" in text
    assert (tmp_path / "images" / "calibration.png").stat().st_size > 1000
    assert (tmp_path / "images" / "calibration-runs.png").stat().st_size > 1000
    assert (tmp_path / "images" / "power.png").stat().st_size > 1000
    before = page.read_bytes()
    assert calibrate(tmp_path, n_studies=2, say=said.append).read_bytes() == before
    assert len(said) == 14
    stored = json.loads((tmp_path / "calibration.json").read_text())
    assert stored["settings"]["n_studies"] == 2
    with pytest.raises(ValueError, match="positive"):
        calibrate(tmp_path, n_studies=0)
