"""Layers chosen by region, against planted truth, plain loops over voxels, and labels."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hemiscale.analysis import columns_of, select_layers, summarise_model, write_tables

N_LAYERS, N_RUNS, N_PAIRS, N_MIDLINE = 4, 5, 60, 8
N = 2 * N_PAIRS + N_MIDLINE
LEFT, RIGHT = np.arange(N_PAIRS), np.arange(N_PAIRS, 2 * N_PAIRS)
FRONT, BACK = np.arange(20), np.arange(30, 55)  # pairs
SUBJECTS = ("average", "s1", "s2")


def planted(make_scores, name="m", noise=0.03, seed=0, gain=0.0):
    """A voxel study: FRONT prefers layer 1 and BACK layer 3, by far less than one voxel's noise."""
    generator = np.random.default_rng(seed)
    truth = np.full((N_LAYERS, N), 0.1)
    for pairs, layer in ((FRONT, 1), (BACK, 3)):
        truth[layer, LEFT[pairs]] = truth[layer, RIGHT[pairs]] = 0.13
    truth[:, LEFT] += gain
    shape = (len(SUBJECTS), N_LAYERS, N_RUNS, N)
    score, validation = (truth[:, None] + generator.normal(0, noise, shape) for _ in range(2))
    hemispheres = ("left",) * N_PAIRS + ("right",) * N_PAIRS + ("midline",) * N_MIDLINE
    dataset = make_scores(
        name,
        score=score,
        validation=validation,
        subjects=SUBJECTS,
        targets=tuple(str(i) for i in range(N)),
        hemispheres=hemispheres,
        homologues=("",) * N,
    )
    mirror = np.concatenate([RIGHT, LEFT, np.full(N_MIDLINE, -1)])
    return dataset.drop_vars(["homologue", "target"]).assign_coords(
        target=np.arange(N), mirror=("target", mirror)
    )


@pytest.fixture
def voxels():
    member = np.zeros((3, N), dtype=bool)
    member[0, LEFT[FRONT]] = True  # a region on the left alone
    member[1, LEFT[BACK]] = member[1, RIGHT[BACK]] = True
    member[2, 2 * N_PAIRS :] = True  # the midline alone
    return xr.Dataset(
        {"region": (("region_name", "target"), member)},
        coords={"region_name": ["front", "back", "middle"]},
    )


def regions_of(folder, dataset, voxels):
    write_tables([dataset], None, folder, voxels=voxels)
    return pd.read_csv(folder / "regions.tsv", sep="\t")


def test_two_regions_get_the_layers_that_they_were_planted_with(make_scores, voxels, tmp_path):
    dataset = planted(make_scores)
    table = regions_of(tmp_path, dataset, voxels)
    rows = table.query("layer_choice == 'region'")
    found = rows.set_index(["region", "hemisphere", "subjects"]).sort_index()
    for subjects in ("average", "listeners"):
        for side in ("both", "left", "right"):
            assert found.loc[("front", side, subjects), "layer"] == 1
            assert found.loc[("back", side, subjects), "layer"] == 3
    r = dataset["score"].values[0].astype(float)
    expected = r[1][:, LEFT[FRONT]].mean()
    assert found.loc[("front", "both", "average"), "score"] == pytest.approx(expected, rel=1e-5)
    expected = r[3][:, RIGHT[BACK]].mean()
    assert found.loc[("back", "right", "average"), "score"] == pytest.approx(expected, rel=1e-5)
    # The noise of single voxels hides from them which layer is best.
    voxelwise = table.query("layer_choice == 'validation'")
    voxelwise = voxelwise.set_index(found.index.names).sort_index()
    gap = found.loc[("back", "both"), "score"] - voxelwise.loc[("back", "both"), "score"]
    assert (gap > 0.005).all()
    assert voxelwise["layer"].isna().all()
    # Voxels that are chosen by the scores themselves are no region.
    assert set(rows["region"]) == {"all", "front", "back", "middle"}
    asymmetries = pd.read_csv(tmp_path / "asymmetry.tsv", sep="\t")
    by_region = asymmetries.query("layer_choice == 'region' and subjects == 'average'")
    assert set(by_region["pair"]) == {"all", "front", "back"}
    expected = (r[3][:, LEFT[BACK]] - r[3][:, RIGHT[BACK]]).mean()
    assert by_region.set_index("pair").loc["back", "left_minus_right"] == pytest.approx(
        expected, abs=1e-6
    )


def test_both_sides_share_the_layer_so_that_the_choice_makes_no_asymmetry(make_scores, voxels):
    dataset = planted(make_scores)
    # The left likes layer 0 on validation, the right layer 2 a little more.
    dataset["validation_score"][:] = 0.1
    dataset["validation_score"][:, 0, :, LEFT] = 0.2
    dataset["validation_score"][:, 2, :, RIGHT] = 0.21
    s = summarise_model(dataset, columns_of(dataset, None, voxels))
    for region, pairs in (("front", FRONT), ("back", BACK)):
        for side, places in (("left", LEFT), ("right", RIGHT)):
            column = s.column(f"{region}: {side}")
            assert s.region_layers["average"][column] == 2
            expected = dataset["score"].values[0, 2][:, places[pairs]].mean(axis=1)
            np.testing.assert_allclose(s.by_run["region"][:, column], expected, rtol=1e-5)


def test_the_test_run_has_no_say(make_scores, voxels):
    dataset = planted(make_scores)
    columns = columns_of(dataset, None, voxels)
    before = summarise_model(dataset, columns)
    # Layer 0 is made to look splendid on the first run: its own layer stays what it was.
    dataset["score"][:, 0, 0] += 0.5
    after = summarise_model(dataset, columns)
    back = before.column("back: all")
    assert after.by_run["region"][0, back] == before.by_run["region"][0, back]
    assert after.by_run["test"][0, back] > 0.5


def test_regions_without_overlap_are_what_labels_give(make_scores):
    """Region studies, against `select_layers` with a label per pair of regions."""
    dataset = make_scores(n_layers=5, subjects=("average", "s1"))
    s = summarise_model(dataset)
    labels = ["ATL", "ATL", "LPTL", "LIPL", "LPreM", "LIFG"]
    expected = select_layers(dataset, together=labels)
    for k, name in enumerate(dataset["target"].values):
        column = s.column(str(name))
        np.testing.assert_allclose(
            s.by_run["region"][:, column], expected["score"].values[0, :, k], rtol=1e-6
        )
        np.testing.assert_allclose(
            s.by_listener["region"][0, column], expected["score"].values[1, :, k].mean(), rtol=1e-6
        )
    difference = expected["score"].values[0, :, 0] - expected["score"].values[0, :, 1]
    np.testing.assert_allclose(
        s.by_run["region"][:, s.column("LATL / RATL")], difference, atol=1e-7
    )


@pytest.mark.parametrize("missing", [False, True])
def test_without_each_run_all_is_done_again(make_scores, voxels, missing):
    """The same as plain loops over voxels, which never look at the run that is left out."""
    dataset = planted(make_scores, noise=0.05, seed=3)
    if missing:  # outside the field of view
        dataset["score"][..., LEFT[30:40]] = np.nan
        dataset["validation_score"][..., LEFT[30:40]] = np.nan
    s = summarise_model(dataset, columns_of(dataset, None, voxels))
    score, validation = (
        dataset[name].values[0].astype(float) for name in ("score", "validation_score")
    )
    group = np.concatenate([LEFT[BACK], RIGHT[BACK]])
    rows = RIGHT[BACK] if not missing else RIGHT[40:55]  # pairs with both sides
    loss = validation.mean(axis=1) - score.mean(axis=1)
    expected = []
    for run in range(N_RUNS):
        others = [j for j in range(N_RUNS) if j != run]
        values = []
        for j in others:
            means = []
            for layer in range(N_LAYERS):
                rest = (N_RUNS - 1) * validation[layer, j] - score[layer, run] - loss[layer]
                means.append(np.nanmean((rest / (N_RUNS - 2))[group]))
            best = int(np.argmax(means))
            level = validation[best, run] - score[best, others].mean(axis=0)
            values.append((score[best, j] + level)[rows].mean())
        expected.append(np.mean(values))
    column = s.column("back: right")
    np.testing.assert_allclose(s.without_run["region"][:, column], expected, rtol=1e-6)
    assert np.isfinite(s.without_run["region"][:, s.column("middle: all")]).all()
    assert np.isnan(s.without_run["region"][:, s.column("best 10 %: all")]).all()


def test_one_layer_is_taken_as_it_is_and_two_runs_have_no_others(make_scores, voxels):
    dataset = planted(make_scores).isel(layer=[2], run=[0, 1])
    s = summarise_model(dataset, columns_of(dataset, None, voxels))
    back = s.column("back: all")
    np.testing.assert_array_equal(s.by_run["region"][:, back], s.by_run["test"][:, back])
    assert s.region_layers["listeners"][back] == 2
    assert s.region_layers["listeners"][s.column("best 10 %: all")] == -1
    assert np.isnan(s.without_run["region"]).all()


def test_without_mirror_images_a_region_decides_alone(make_scores):
    """Vertices of one hemisphere without a mirror image, as on surfaces."""
    dataset = planted(make_scores)
    dataset["mirror"][:] = -1
    member = np.zeros((1, N), dtype=bool)
    member[0, LEFT[BACK]] = True
    alone = xr.Dataset(
        {"region": (("region_name", "target"), member)}, coords={"region_name": ["back"]}
    )
    s = summarise_model(dataset, columns_of(dataset, None, alone))
    assert s.region_layers["average"][s.column("back: all")] == 3
