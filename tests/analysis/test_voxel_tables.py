"""Tables and maps of a voxel study, against plain numpy and the functions on arrays."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hemiscale.analysis import (
    asymmetry_slope_maps,
    brain_score,
    reliable_pairs,
    scaling_law,
    select_layers,
    slope_maps,
    voxel_maps,
    write_tables,
)
from hemiscale.analysis.voxel_means import voxel_selections

N_PAIRS, N_MIDLINE = 200, 30
N = 2 * N_PAIRS + N_MIDLINE
# Not in the order left, right, midline: positions must be followed.
ORDER = np.random.default_rng(5).permutation(N)
PLACE = np.argsort(ORDER)
LEFT, RIGHT = PLACE[:N_PAIRS], PLACE[N_PAIRS : 2 * N_PAIRS]
SIZES = {"a": 1e6, "b": 1e7, "c": 1e8, "d": 1e9}


def coordinates():
    hemisphere = np.full(N, "midline", dtype="<U7")
    hemisphere[LEFT], hemisphere[RIGHT] = "left", "right"
    mirror = np.full(N, -1)
    mirror[LEFT], mirror[RIGHT] = RIGHT, LEFT
    return hemisphere, mirror


@pytest.fixture
def study(make_scores):
    generator = np.random.default_rng(0)
    hemisphere, mirror = coordinates()
    models = []
    for k, (name, size) in enumerate(SIZES.items()):
        score = generator.normal(0.1 + 0.02 * k, 0.05, (3, 2, 4, N))
        score[..., LEFT] += 0.01 * k
        dataset = make_scores(
            name,
            score=score,
            validation=generator.normal(0.1, 0.05, score.shape),
            subjects=("average", "s1", "s2"),
            targets=tuple(str(i) for i in range(N)),
            hemispheres=tuple(hemisphere),
            homologues=("",) * N,
            n_parameters=int(size),
        )
        models.append(
            dataset.drop_vars(["homologue", "target"]).assign_coords(
                target=np.arange(N),
                mirror=("target", mirror),
                x=("target", np.zeros(N)),
                y=("target", np.zeros(N)),
                z=("target", np.zeros(N)),
            )
        )
    return models


@pytest.fixture
def ceiling():
    values = np.random.default_rng(1).uniform(0.0, 0.6, (10, N)).astype(np.float32)
    return xr.Dataset({"reliability": (("split", "target"), values + 0.2)})


@pytest.fixture
def voxels():
    member = np.zeros((2, N), dtype=bool)
    member[0, LEFT[:40]] = True  # a region on the left alone
    member[1, LEFT[40:90]] = member[1, RIGHT[40:90]] = True
    return xr.Dataset(
        {"region": (("region_name", "target"), member)}, coords={"region_name": ["TP", "AG"]}
    )


def read(folder, name):
    return pd.read_csv(folder / name, sep="\t")


def chosen_scores(dataset, subject=0, how="validation"):
    return select_layers(dataset, how)["score"].values[subject]


def test_selections_are_the_means_they_say(study, ceiling, voxels, tmp_path):
    write_tables(study, ceiling, tmp_path, voxels=voxels)
    table = read(tmp_path, "regions.tsv").query(
        "model == 'b' and subjects == 'average' and layer_choice == 'validation'"
    )
    score = table.set_index(["region", "hemisphere"])["score"]
    r = chosen_scores(study[1]).mean(axis=0)
    assert set(table["region"]) == {"all", "reliable", "TP", "AG", "best 10 %", "90th percentile"}
    assert score["all", "both"] == pytest.approx(r.mean(), rel=1e-5)
    assert score["all", "left"] == pytest.approx(r[LEFT].mean(), rel=1e-5)
    assert score["TP", "both"] == pytest.approx(r[LEFT[:40]].mean(), rel=1e-5)
    assert score["TP", "right"] == pytest.approx(r[RIGHT[:40]].mean(), rel=1e-5)
    reliability = ceiling["reliability"].values.astype(float)
    assert score["AG", "both"] == pytest.approx(
        r[np.r_[LEFT[40:90], RIGHT[40:90]]].mean(), rel=1e-5
    )
    found = brain_score(r, (LEFT, RIGHT), quantile=0.9)
    assert score["90th percentile", "both"] == pytest.approx(float(found.both), rel=1e-5)
    assert score["90th percentile", "left"] == pytest.approx(float(found.left), rel=1e-5)
    over = table.set_index(["region", "hemisphere"])["over_ceiling"]
    assert over["TP", "right"] == pytest.approx(
        (r / reliability.mean(axis=0))[RIGHT[:40]].mean(), rel=1e-4
    )
    rows = read(tmp_path, "asymmetry.tsv").query("subjects == 'average' and model == 'b'")
    by_pair = rows.query("layer_choice == 'validation'").set_index("pair")
    assert by_pair.loc["TP", "left_minus_right"] == pytest.approx(
        (r[LEFT[:40]] - r[RIGHT[:40]]).mean(), abs=1e-6
    )


def test_reliable_voxels_are_those_of_the_brain_room(ceiling):
    from hemiscale.brain import Homologues, reliable_voxels

    reliability = ceiling["reliability"].values.astype(float)
    midline = PLACE[2 * N_PAIRS :]
    expected = reliable_voxels(reliability, Homologues(LEFT, RIGHT, midline, np.array([], int)))
    found = voxel_selections(LEFT, RIGHT, N, reliability.mean(axis=0), {})[1]
    np.testing.assert_array_equal(found.targets, expected)
    np.testing.assert_array_equal(found.pairs, expected[LEFT])
    # The same pairs as the choice among pairs alone, but for midline voxels in the count.
    alone = reliable_pairs(reliability, (LEFT, RIGHT))
    assert (found.pairs == alone).mean() > 0.95


def test_vertices_without_a_mirror_image_are_not_reliable(ceiling):
    from hemiscale.brain import Homologues, reliable_voxels

    reliability = ceiling["reliability"].values.astype(float)
    alone = np.zeros(N, bool)
    alone[LEFT[5:]] = alone[RIGHT[5:]] = True  # all but five pairs
    pairs = Homologues(LEFT[:5], RIGHT[:5], PLACE[2 * N_PAIRS :], np.flatnonzero(alone))
    found = voxel_selections(LEFT[:5], RIGHT[:5], N, reliability.mean(axis=0), {}, alone)[1]
    np.testing.assert_array_equal(found.targets, reliable_voxels(reliability, pairs))
    assert not (found.targets & alone).any()


def test_laws_of_every_selection(study, ceiling, voxels, tmp_path):
    write_tables(study, ceiling, tmp_path, voxels=voxels)
    laws = json.loads((tmp_path / "laws.json").read_text())["laws"]
    assert {law["selection"] for law in laws} == {
        *("all", "reliable", "TP", "AG", "best 10 %", "90th percentile")
    }
    law = next(
        law
        for law in laws
        if law["selection"] == "TP"
        and law["response"] == "left_minus_right"
        and law["subjects"] == "average"
        and law["predictor"] == "log parameters"
    )
    y = [(chosen_scores(d)[:, LEFT[:40]] - chosen_scores(d)[:, RIGHT[:40]]).mean() for d in study]
    expected = scaling_law(list(SIZES.values()), y)
    assert law["slope"] == pytest.approx(expected.slope, rel=1e-4)
    # What finds "the" law of the study finds that of all voxels.
    assert laws[0]["selection"] == "all"


def test_maps_hold_scores_and_slopes_voxel_by_voxel(study, ceiling, voxels, tmp_path):
    maps = write_tables(study, ceiling, tmp_path, voxels=voxels)
    xr.testing.assert_identical(maps, voxel_maps(reversed(study)))
    scores = np.stack([chosen_scores(d).mean(axis=0) for d in study])
    np.testing.assert_allclose(maps["score"].sel(model="c").values, scores[2], atol=1e-6)
    expected = slope_maps(list(SIZES.values()), scores)
    np.testing.assert_allclose(maps["slope"].values, expected.slope, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(maps["slope_q"].values, expected.q, rtol=1e-2, atol=1e-4)
    pairs = asymmetry_slope_maps(list(SIZES.values()), scores, (LEFT, RIGHT))
    np.testing.assert_allclose(
        maps["asymmetry_slope"].values[LEFT], pairs.slope, rtol=1e-3, atol=1e-6
    )
    assert np.isnan(maps["asymmetry_slope"].values[RIGHT]).all()
    layers = select_layers(study[2])["chosen_layer"].values[0]
    np.testing.assert_array_equal(
        maps["layer"].sel(model="c").values, np.quantile(layers, 0.5, axis=0, method="lower")
    )
    assert maps.attrs["n_models"] == 4
    assert maps["score"].dtype == np.float32


def test_same_bytes_in_any_order_and_missing_voxels_are_left_out(study, ceiling, voxels, tmp_path):
    study[0]["score"].values[:, :, :, LEFT[0]] = np.nan
    write_tables(study, ceiling, tmp_path / "a", voxels=voxels)
    write_tables((d for d in reversed(study)), ceiling, tmp_path / "b", voxels=voxels)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    table = read(tmp_path / "a", "regions.tsv").query("model == 'a' and subjects == 'average'")
    row = table.query("layer_choice == 'test'").set_index(["region", "hemisphere"])
    r = chosen_scores(study[0], how="test").mean(axis=0)
    assert row.loc[("all", "both"), "score"] == pytest.approx(np.nanmean(r), rel=1e-5)
    assert row.loc[("all", "right"), "score"] == pytest.approx(r[RIGHT[1:]].mean(), rel=1e-5)


def test_the_ceiling_is_shown_by_side(study, ceiling, voxels, tmp_path):
    ceiling["reliability"].values[:, LEFT] += 0.1
    write_tables(study, ceiling, tmp_path, voxels=voxels)
    table = read(tmp_path, "ceiling.tsv").set_index(["region", "hemisphere"])["reliability"]
    values = ceiling["reliability"].values.mean(axis=0)
    assert table["all", "left - right"] == pytest.approx(
        values[LEFT].mean() - values[RIGHT].mean(), abs=1e-5
    )
    assert table["TP", "both"] == pytest.approx(values[LEFT[:40]].mean(), abs=1e-5)


def test_parts_of_different_studies_are_refused(study, ceiling, voxels, tmp_path):
    with pytest.raises(ValueError, match="not of one study"):
        write_tables(study, ceiling.isel(target=slice(5)), tmp_path)
    with pytest.raises(ValueError, match="regions: 5 targets"):
        write_tables(study, None, tmp_path, voxels=voxels.isel(target=slice(5)))
    with pytest.raises(ValueError, match="other targets"):
        write_tables([study[0], study[1].isel(target=slice(5))], None, tmp_path)
    broken = study[0].copy(deep=True)
    broken["mirror"].values[LEFT[0]] = LEFT[1]
    with pytest.raises(ValueError, match="mirror"):
        write_tables([broken], None, tmp_path)


def test_region_studies_have_no_maps(make_scores):
    with pytest.raises(ValueError, match="no maps"):
        voxel_maps([make_scores()])
    with pytest.raises(ValueError, match="no scores"):
        voxel_maps([])


def test_one_run_one_subject_and_two_models_say_what_they_cannot(study, voxels, tmp_path):
    poor = [d.isel(run=[0], subject=[1]) for d in study[:2]]
    poor[0]["score"].values[..., RIGHT[3]] = np.nan
    write_tables(poor, None, tmp_path, voxels=voxels)
    regions = read(tmp_path, "regions.tsv")
    assert set(regions["subjects"]) == {"listeners"}
    assert regions["low"].isna().all()
    # The choice needs no other run, for validation scores are those of each run by itself.
    assert regions.loc[regions["region"] == "best 10 %", "score"].notna().all()
    laws = json.loads((tmp_path / "laws.json").read_text())["laws"]
    law = next(law for law in laws if law["response"] == "left_minus_right")
    assert law["slope"] is not None
    assert law["slope_low"] is law["over_families_low"] is law["slope_over_both_low"] is None
    assert any("nothing can be said about its uncertainty" in note for note in law["notes"])
    assert any("All models are of one family" in note for note in law["notes"])


def test_equal_sizes_and_missing_scores_leave_empty_laws_and_maps(study, tmp_path):
    same = [d.assign_attrs(n_parameters=10**6) for d in study]
    maps = write_tables(same, None, tmp_path)
    assert np.isnan(maps["slope"].values).all()
    laws = json.loads((tmp_path / "laws.json").read_text())["laws"]
    size = [law for law in laws if law["predictor"] == "log parameters"]
    assert all(law["slope"] is None for law in size)
    assert all("same size" in " ".join(law["notes"]) for law in size)
    for dataset in study:
        dataset["score"].values[:] = np.nan
    maps = write_tables(study, None, tmp_path)
    assert json.loads((tmp_path / "laws.json").read_text())["laws"] == []
    assert np.isnan(maps["score"].values).all()
    assert read(tmp_path, "asymmetry.tsv").empty
