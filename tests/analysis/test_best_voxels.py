"""The best ten percent of the voxels: fair on noise, pairs as one, and the same done by hand."""

import numpy as np
import pandas as pd
import pytest

from hemiscale.analysis import columns_of, summarise_model, write_tables
from hemiscale.analysis.subject_summary import summarise_subject
from hemiscale.encoding import fit_runs
from hemiscale.errors import HemiscaleWarning

N_PAIRS, N_MIDLINE = 180, 40
N = 2 * N_PAIRS + N_MIDLINE
LEFT, RIGHT, MIDLINE = np.split(np.random.default_rng(5).permutation(N), [N_PAIRS, 2 * N_PAIRS])
SIDES = ("all", "left", "right", "left_minus_right")
BEST = [f"best 10 %: {side}" for side in SIDES]


@pytest.fixture
def make_voxels(make_scores):
    """Scores files of voxels from (n_layers, n_runs, N) scores of one subject."""

    def make(score, validation, subject="average", **attrs):
        hemisphere = np.full(N, "midline", dtype="<U7")
        hemisphere[LEFT], hemisphere[RIGHT] = "left", "right"
        mirror = np.full(N, -1)
        mirror[LEFT], mirror[RIGHT] = RIGHT, LEFT
        dataset = make_scores(
            score=score[None],
            validation=validation[None],
            subjects=(subject,),
            targets=tuple(str(k) for k in range(N)),
            hemispheres=tuple(hemisphere),
            homologues=("",) * N,
            **attrs,
        )
        place = {axis: ("target", np.zeros(N)) for axis in "xyz"}
        return dataset.drop_vars(["homologue", "target"]).assign_coords(
            target=np.arange(N), mirror=("target", mirror), **place
        )

    return make


def best_of(dataset, how="validation"):
    s = summarise_model(dataset)
    return s.by_run[how][:, [s.column(name) for name in BEST]]


def chosen_by_hand(score, validation):
    """Pairs and midline voxels of one run, one after the other from the best one down."""
    units = [
        ((a, b), (validation[a] + validation[b]) / 2) for a, b in zip(LEFT, RIGHT, strict=True)
    ]
    units += [((k,), validation[k]) for k in MIDLINE]
    units = [
        (voxels, value) for voxels, value in units if np.isfinite(value + score[[*voxels]]).all()
    ]
    n_best = round(0.1 * sum(len(voxels) for voxels, _ in units))
    chosen = []
    for voxels, _ in sorted(units, key=lambda unit: -unit[1]):
        if len(chosen) < n_best:
            chosen += voxels
    return chosen


def rows_by_hand(score, validation):
    found = []
    for s, v in zip(score, validation, strict=True):
        chosen = chosen_by_hand(s, v)
        pairs = np.isin(LEFT, chosen)
        left, right = s[LEFT[pairs]].mean(), s[RIGHT[pairs]].mean()
        found.append([s[chosen].mean(), left, right, left - right])
    return np.array(found)


def test_noise_from_the_engine_stays_noise(make_voxels, tmp_path):
    """Runs train each other's models: chosen by each other's test scores, noise is a score."""
    rows, naive = [], []
    for seed in range(6):
        generator = np.random.default_rng([9, seed])
        features, signals = ([generator.normal(size=(60, n)) for _ in range(4)] for n in (50, N))
        fit = fit_runs(features, signals, alphas=(1e2, 1e3, 1e4), validation="all")
        dataset = make_voxels(fit.scores[None], fit.validation_mean[None])
        write_tables([dataset], None, tmp_path)
        table = pd.read_csv(tmp_path / "regions.tsv", sep="\t")
        layers = pd.read_csv(tmp_path / "layers.tsv", sep="\t")
        table = pd.concat([table, layers]).set_index("region")["score"]
        rows.append(table["best 10 %"])
        assert (table["90th percentile"] > 0.05).all()  # ranked by the very scores it reports
        others = (fit.scores.sum(axis=0) - fit.scores) / 3
        naive.append(np.mean([s[np.argsort(-o)[: N // 10]].mean()
                              for s, o in zip(fit.scores, others, strict=True)]))  # fmt: skip
    assert np.shape(rows) == (6, 7)  # both sides, left, right; two choices of layer; single layers
    assert np.abs(np.mean(rows, axis=0)).max() < 0.025
    assert np.mean(naive) > 0.08


def test_homologous_pairs_are_chosen_as_one(make_voxels, tmp_path):
    """The best pairs lean left; the best voxels of each side by itself would lean right."""
    truth = np.full((1, 4, N), 0.05)
    truth[..., LEFT[:20]], truth[..., RIGHT[:20]] = 0.5, 0.4
    truth[..., LEFT[20:40]], truth[..., RIGHT[20:40]] = 0.1, 0.6
    noise = np.random.default_rng(1).normal(0, 0.01, (2, *truth.shape))
    write_tables([make_voxels(truth + noise[0], truth + noise[1])], None, tmp_path)
    asymmetry = pd.read_csv(tmp_path / "asymmetry.tsv", sep="\t")
    asymmetry = asymmetry.query("layer_choice == 'validation'").set_index("pair")
    row = asymmetry.loc["best 10 %"]
    assert row["left"] == pytest.approx(0.5, abs=0.01)
    assert row["left_minus_right"] == pytest.approx(0.1, abs=0.01)
    # Each side's own percentile, as published, is not over pairs.
    assert asymmetry.loc["90th percentile", "left_minus_right"] < 0
    # Scores are those of the same voxels, so that the two tables agree.
    regions = pd.read_csv(tmp_path / "regions.tsv", sep="\t")
    regions = regions.query("layer_choice == 'validation' and region == 'best 10 %'")
    score = regions.set_index("hemisphere")["score"]
    assert score["both"] == pytest.approx(0.45, abs=0.01)
    assert score["both"] == pytest.approx((score["left"] + score["right"]) / 2, rel=1e-5)
    assert score["left"] == row["left"]
    assert score["right"] == row["right"]


@pytest.mark.parametrize("missing", [False, True])
def test_rows_are_those_done_by_hand(make_voxels, missing):
    generator = np.random.default_rng(2)
    truth = generator.gamma(1.0, 0.1, N)
    score, validation = (truth + generator.normal(0, 0.1, (3, 5, N)) for _ in range(2))
    if missing:  # outside the field of view, and without one run's validation score
        score[..., LEFT[:60]] = validation[..., LEFT[:60]] = np.nan
        validation[:, 2, RIGHT[90:]] = np.nan
    dataset = make_voxels(score, validation)
    score, validation = (dataset[k].values[0].astype(float) for k in ("score", "validation_score"))
    filled = np.where(np.isfinite(validation), validation, -np.inf)
    by_validation = filled.argmax(axis=0)
    by_test = np.broadcast_to(np.nan_to_num(score).mean(axis=1).argmax(axis=0), score.shape[1:])
    for how, layers in (("validation", by_validation), ("test", by_test)):
        taken = [np.take_along_axis(x, layers[None], axis=0)[0] for x in (score, validation)]
        np.testing.assert_allclose(best_of(dataset, how), rows_by_hand(*taken), rtol=1e-6)
    s = summarise_model(dataset)
    for layer in range(3):
        found = s.profile_by_run[:, layer][:, [s.column(name) for name in BEST]]
        np.testing.assert_allclose(found, rows_by_hand(score[layer], validation[layer]), rtol=1e-6)
    assert np.isnan(best_of(dataset, "region")).all()


def test_without_each_run_voxels_are_chosen_again(make_voxels):
    """The same as plain loops that never look at the run that is left out."""
    generator = np.random.default_rng(3)
    n_layers, n_runs = 3, 5
    truth = generator.gamma(1.0, 0.1, N)
    score, validation = (truth + generator.normal(0, 0.1, (n_layers, n_runs, N)) for _ in range(2))
    dataset = make_voxels(score, validation)
    s = summarise_model(dataset)
    score, validation = (dataset[k].values[0].astype(float) for k in ("score", "validation_score"))
    loss = validation.mean(axis=1) - score.mean(axis=1)
    columns = [s.column(name) for name in BEST]
    for run in range(n_runs):
        others = [k for k in range(n_runs) if k != run]
        moved = score[:, others] + (validation[:, run] - score[:, others].mean(axis=1))[:, None]
        rest = (n_runs - 1) * validation[:, others] - (score[:, run] + loss)[:, None]
        rest /= n_runs - 2
        by_test = np.broadcast_to(moved.mean(axis=1).argmax(axis=0), moved.shape[1:])
        for how, layers in (("validation", rest.argmax(axis=0)), ("test", by_test)):
            taken = [np.take_along_axis(x, layers[None], axis=0)[0] for x in (moved, rest)]
            np.testing.assert_allclose(
                s.without_run[how][run, columns], rows_by_hand(*taken).mean(axis=0), rtol=1e-6
            )
        for layer in range(n_layers):
            np.testing.assert_allclose(
                s.profile_without_run[run, layer, columns],
                rows_by_hand(moved[layer], rest[layer]).mean(axis=0),
                rtol=1e-6,
            )


def test_without_validation_scores_nothing_is_chosen_and_that_is_said(make_voxels):
    generator = np.random.default_rng(4)
    score, validation = generator.normal(0.1, 0.1, (2, 1, 4, N))
    validation[:, 1] = np.nan
    dataset = make_voxels(score, validation)
    with pytest.warns(HemiscaleWarning, match=r"tiny, subject average: .* in run 2; .*best 10 %"):
        rows = best_of(dataset)
    assert np.isfinite(rows).all(axis=1).tolist() == [True, False, True, True]
    bare = dataset.drop_vars("validation_score")
    with pytest.warns(HemiscaleWarning, match="in run 1, 2, 3, 4;"):
        summary = summarise_subject(bare, 0, columns_of(bare))
    best = [columns_of(bare).names.index(name) for name in BEST]
    assert np.isnan(summary.chosen["validation"][best]).all()
    assert np.isfinite(summary.chosen["validation"][:4]).all()


def test_without_mirror_images_voxels_are_chosen_one_by_one(make_voxels):
    """One hemisphere; and vertices without a mirror image beside pairs, which are no candidates."""
    generator = np.random.default_rng(6)
    score, validation = generator.normal(0.1, 0.1, (2, 1, 4, N))
    dataset = make_voxels(score, validation)
    none = dataset.copy(deep=True)
    none["mirror"][:] = -1
    rows = best_of(none)
    top = np.argsort(-validation[0], axis=1)[:, : N // 10]
    expected = np.take_along_axis(score[0], top, axis=1).mean(axis=1)
    np.testing.assert_allclose(rows[:, 0], expected, rtol=1e-6)
    assert np.isnan(rows[:, 1:]).all()
    some = dataset.copy(deep=True)
    some["mirror"][[*LEFT[:50], *RIGHT[:50]]] = -1
    for name in ("score", "validation_score"):
        some[name][..., [*LEFT[:50], *RIGHT[:50]]] = np.nan
    expected = best_of(some)
    some["score"][..., [*LEFT[:50], *RIGHT[:50]]] = 0.9
    some["validation_score"][..., [*LEFT[:50], *RIGHT[:50]]] = 0.9
    np.testing.assert_array_equal(best_of(some), expected)


def test_validation_scores_of_something_else_are_refused(make_voxels):
    score = np.zeros((1, 4, N))
    columns = columns_of(make_voxels(score, score))
    with pytest.raises(ValueError, match="same shape"):
        columns.reduce(score, score[:, :3])
