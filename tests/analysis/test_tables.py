import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hemiscale.analysis import (
    interval_over_listeners,
    interval_over_runs,
    scaling_law,
    select_layers,
    write_tables,
)
from hemiscale.analysis.dictionary import COLUMNS, LAW_FIELDS
from hemiscale.analysis.left_out_runs import without_each_run
from hemiscale.analysis.table_laws import slope_over_listeners

NAN = float("nan")
SUBJECTS = ("average", *(f"s{k}" for k in range(12)))
# The columns that the report and people's scripts rely on.
SIDES = ("score", "left", "right", "left_minus_right")
MODEL_COLUMNS = [
    *("model", "kind", "group", "family", "parameters", "layers", "width", "seed"),
    *("training_step", "bits_per_byte", "perplexity", "typical_layer"),
    *(
        f"{prefix}{side}{end}"
        for prefix in ("", "average_")
        for side in SIDES
        for end in ("", "_low", "_high")
    ),
    *("score_test_selected", "average_score_test_selected"),
]


@pytest.fixture
def study(make_scores):
    models = [
        make_scores(
            f"tiny-{n}",
            subjects=SUBJECTS,
            n_layers=n,
            seed=n,
            n_parameters=10 ** (3 + n),
            bits_per_byte=2.5 - 0.2 * n,
        )
        for n in (2, 3, 4)
    ]
    models.append(make_scores("big", subjects=SUBJECTS, seed=9, n_parameters=10**8, family="Other"))
    baselines = [
        make_scores(
            f"random-{k}",
            subjects=SUBJECTS,
            n_layers=1,
            seed=20 + k,
            kind="random embedding",
            group="random embedding 300 d",
            family="",
            n_parameters=0,
            bits_per_byte=NAN,
            perplexity=NAN,
        )
        for k in range(3)
    ]
    for k, dataset in enumerate(baselines):
        dataset.attrs["seed"] = k
    return models + baselines


@pytest.fixture
def ceiling():
    values = np.random.default_rng(1).uniform(0.3, 0.6, (10, 6)).astype(np.float32)
    names = ["LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG"]
    return xr.Dataset(
        {"reliability": (("split", "target"), values)},
        coords={"target": names, "hemisphere": ("target", ["left", "right", *["left"] * 4])},
    )


def read(folder, name):
    return pd.read_csv(folder / name, sep="\t", keep_default_na=True)


def test_tables_have_the_promised_columns_and_the_dictionary_explains_each(
    study, ceiling, tmp_path
):
    write_tables(study, ceiling, tmp_path)
    assert list(read(tmp_path, "models.tsv").columns) == MODEL_COLUMNS
    assert list(read(tmp_path, "groups.tsv").columns) == [*MODEL_COLUMNS, "n_models"]
    text = (tmp_path / "README.md").read_text()
    for table, columns in COLUMNS.items():
        assert list(read(tmp_path, table).columns) == list(columns), table
        assert f"## {table}" in text
        assert all(f"| `{name}` |" in text for name in columns)
    laws = json.loads((tmp_path / "laws.json").read_text())["laws"]
    assert {name for law in laws for name in law} == set(LAW_FIELDS)


def test_long_tables_have_their_columns_in_the_promised_order(study, ceiling, tmp_path):
    write_tables(study, ceiling, tmp_path)
    promised = {
        "regions.tsv": "model region hemisphere subjects layer_choice score low high "
        "interval_over n over_ceiling layer",
        "layers.tsv": "model layer relative_depth region subjects score low high interval_over n",
        "asymmetry.tsv": "model pair subjects layer_choice left right left_minus_right low high "
        "interval_over n index index_low index_high over_ceiling over_ceiling_low "
        "over_ceiling_high",
        "layer_asymmetry.tsv": "model layer relative_depth pair subjects left right "
        "left_minus_right low high interval_over n",
        "over_baseline.tsv": "model baseline selection quantity subjects difference low high "
        "interval_over n",
        "listeners.tsv": "model listener region score left right left_minus_right",
        "listener_slopes.tsv": "listener response selection predictor model_set n_models slope "
        "slope_per_tenfold",
        "rises.tsv": "trajectory curve subjects n_checkpoints step low high n rises_before notes",
        "ceiling.tsv": "region hemisphere reliability low high n_splits",
        "reliability.tsv": "model quantity subjects n_parcels r p_parcels_as_independent slope low "
        "high interval_over n",
    }
    for name, columns in promised.items():
        assert list(read(tmp_path, name).columns) == columns.split()


def keep_all(maps):
    return np.asarray(maps).mean(axis=-1, keepdims=True)


def test_models_row_holds_what_the_scores_say(study, tmp_path):
    write_tables(study, None, tmp_path)
    row = read(tmp_path, "models.tsv").set_index("model").loc["tiny-3"]
    chosen = select_layers(study[1])["score"].values
    expected = interval_over_listeners(chosen[1:].mean(axis=(1, 2)))
    assert row["score"] == pytest.approx(float(expected.estimate), rel=1e-5)
    assert row["score_low"] == pytest.approx(float(expected.low), rel=1e-5)
    difference = interval_over_listeners((chosen[1:, :, 0] - chosen[1:, :, 1]).mean(axis=1))
    assert row["left_minus_right_high"] == pytest.approx(float(difference.high), rel=1e-4)
    without = without_each_run(
        study[1]["score"].values[0], study[1]["validation_score"].values[0], keep_all, "validation"
    )
    over_runs = interval_over_runs(chosen[0].mean(axis=1), without[:, 0])
    assert row["average_score_low"] == pytest.approx(float(over_runs.low), rel=1e-5)
    best = study[1]["score"].values.mean(axis=2).max(axis=1)
    assert row["score_test_selected"] == pytest.approx(best[1:].mean(), rel=1e-5)
    assert row["average_score_test_selected"] == pytest.approx(best[0].mean(), rel=1e-5)
    assert row["parameters"] == 10**6
    assert row["layers"] == 2


def test_groups_average_seeds_within_listeners_before_the_interval(study, tmp_path):
    write_tables(study, None, tmp_path)
    groups = read(tmp_path, "groups.tsv").set_index("model")
    assert len(groups) == 5
    row = groups.loc["random embedding 300 d"]
    per_listener = np.mean([d["score"].values[1:, 0].mean(axis=(1, 2)) for d in study[4:]], axis=0)
    expected = interval_over_listeners(per_listener)
    assert row["score"] == pytest.approx(float(expected.estimate), rel=1e-5)
    assert row["score_high"] == pytest.approx(float(expected.high), rel=1e-5)
    assert (row["n_models"], row["seed"]) == (3, -1)


def test_long_tables_hold_every_combination_once(study, ceiling, tmp_path):
    write_tables(study, ceiling, tmp_path)
    regions = read(tmp_path, "regions.tsv")
    assert len(regions) == 7 * 6 * 2 * 3
    assert not regions.duplicated(["model", "region", "subjects", "layer_choice"]).any()
    layers = read(tmp_path, "layers.tsv")
    assert len(layers) == (2 + 3 + 4 + 3 + 3 * 1) * 7 * 2
    assert layers.query("model == 'tiny-4'")["relative_depth"].max() == 1.0
    asymmetries = read(tmp_path, "asymmetry.tsv")
    assert set(asymmetries["pair"]) == {"LATL / RATL"}
    # Seven models, and the group of three seeds as one.
    assert len(asymmetries) == (7 + 1) * 2 * 3
    group = asymmetries.query("model == 'random embedding 300 d' and subjects == 'listeners'")
    seeds = asymmetries.query("model.str.startswith('random-') and subjects == 'listeners'")
    assert group["left_minus_right"].iloc[0] == pytest.approx(
        seeds.query("layer_choice == 'validation'")["left_minus_right"].mean(), rel=1e-4
    )
    profile = read(tmp_path, "layer_asymmetry.tsv")
    assert len(profile) == (2 + 3 + 4 + 3 + 3 * 1) * 2
    row = profile.query("model == 'tiny-4' and layer == 2 and subjects == 'average'").iloc[0]
    values = study[2]["score"].values[0, 2].mean(axis=0)
    assert row["left_minus_right"] == pytest.approx(values[0] - values[1], rel=1e-4)
    assert len(read(tmp_path, "listeners.tsv")) == 7 * 12 * 6
    table = read(tmp_path, "ceiling.tsv")
    values = ceiling["reliability"].values.astype(float)
    np.testing.assert_allclose(table["reliability"][:6], values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(table["low"][:6], np.quantile(values, 0.025, axis=0), rtol=1e-5)
    # The ceiling's own left minus right, of the one pair.
    assert list(table["region"][6:]) == ["LATL / RATL"]
    assert list(table["hemisphere"][6:]) == ["left - right"]
    apart = values[:, 0] - values[:, 1]
    assert table["reliability"][6] == pytest.approx(apart.mean(), rel=1e-5)
    assert table["high"][6] == pytest.approx(np.quantile(apart, 0.975), rel=1e-5)
    assert (table["n_splits"] == 10).all()


def test_layers_table_is_the_plain_mean_of_that_layer(study, tmp_path):
    write_tables(study, None, tmp_path)
    layers = read(tmp_path, "layers.tsv")
    row = layers.query(
        "model == 'tiny-4' and layer == 2 and region == 'LIPL' and subjects == 'listeners'"
    ).iloc[0]
    values = study[2]["score"].values[1:, 2, :, 3].astype(float).mean(axis=1)
    expected = interval_over_listeners(values)
    assert row["score"] == pytest.approx(values.mean(), rel=1e-5)
    assert row["low"] == pytest.approx(float(expected.low), rel=1e-5)
    assert row["n"] == 12


def test_laws_are_fitted_for_all_responses_and_model_sets(study, tmp_path):
    write_tables(study, None, tmp_path)
    laws = json.loads((tmp_path / "laws.json").read_text())["laws"]
    predictors = {"log parameters", "bits per byte", "perplexity"}
    assert {law["predictor"] for law in laws} == predictors
    # All trained models against all three; the family against the first two.
    assert len(laws) == (3 + 2) * 2 * (4 + 6)
    assert {law["model_set"] for law in laws} == {"all trained models", "Tiny family"}
    law = next(
        law
        for law in laws
        if law["response"] == "left_minus_right"
        and law["subjects"] == "listeners"
        and law["predictor"] == "log parameters"
        and law["model_set"] == "all trained models"
    )
    assert law["models"] == ["big", "tiny-2", "tiny-3", "tiny-4"]
    chosen = [select_layers(study[k])["score"].values[1:].mean(axis=1) for k in (3, 0, 1, 2)]
    differences = np.array([c[:, 0] - c[:, 1] for c in chosen])
    sizes = np.array([1e8, 1e5, 1e6, 1e7])
    expected = scaling_law(sizes, differences.mean(axis=1))
    assert law["slope"] == pytest.approx(expected.slope, rel=1e-4)
    assert law["p"] == pytest.approx(expected.p, rel=1e-3)
    slopes = [np.polyfit(np.log(sizes), differences[:, k], 1)[0] for k in range(12)]
    honest = interval_over_listeners(np.array(slopes))
    assert law["slope_over_listeners"] == pytest.approx(float(honest.estimate), rel=1e-4)
    assert law["slope_over_listeners_low"] == pytest.approx(float(honest.low), rel=1e-4)
    assert law["n_listeners"] == 12
    assert any("a line through 4 points" in note for note in law["notes"])


def test_slope_over_listeners_needs_sizes_that_differ_and_complete_listeners():
    x = np.array([1.0, 2.0, 3.0])
    scores = np.array([[0.1, 0.2, np.nan], [0.2, 0.2, 0.3], [0.3, 0.2, 0.4]])
    found = slope_over_listeners(x, scores)
    assert found["slope_over_listeners"] == pytest.approx(0.05)
    assert found["n_listeners"] == 2
    assert np.isnan(slope_over_listeners(np.ones(3), scores)["slope_over_listeners"])
    assert np.isnan(slope_over_listeners(x, scores * np.nan)["slope_over_listeners"])


def test_same_scores_give_the_same_bytes_in_any_order(study, ceiling, tmp_path):
    write_tables(study, ceiling, tmp_path / "a")
    write_tables((d.copy() for d in reversed(study)), ceiling, str(tmp_path / "b"))
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted([*COLUMNS, "laws.json", "README.md"])
    for name in names:
        data = (tmp_path / "a" / name).read_bytes()
        assert data == (tmp_path / "b" / name).read_bytes(), name
        assert b"\r" not in data


def test_laws_have_no_nan_and_six_digits(study, tmp_path):
    write_tables(study, None, tmp_path)
    text = (tmp_path / "laws.json").read_text()

    def refuse(name):
        raise AssertionError(f"{name} in laws.json")

    laws = json.loads(text, parse_constant=refuse)["laws"]
    assert any(law["zero_crossing_high"] is None for law in laws)
    numbers = [v for law in laws for v in law.values() if isinstance(v, float)]
    assert all(float(f"{v:.6g}") == v for v in numbers)


def test_a_mirrored_brain_swaps_the_sides_and_the_sign(study, tmp_path):
    mirrored = []
    for dataset in study:
        swapped = dataset.copy(deep=True)
        side = {"left": "right", "right": "left"}
        # Only the homologous pair changes sides: the others have no mirror.
        paired = swapped["homologue"].values != ""
        swapped["hemisphere"].values[paired] = [
            side[s] for s in swapped["hemisphere"].values[paired]
        ]
        mirrored.append(swapped)
    write_tables(study, None, tmp_path / "here")
    write_tables(mirrored, None, tmp_path / "there")
    here, there = (read(tmp_path / name, "models.tsv") for name in ("here", "there"))
    pd.testing.assert_series_equal(here["left"], there["right"], check_names=False)
    for prefix in ("", "average_"):
        for one, other in (("", ""), ("_low", "_high"), ("_high", "_low")):
            np.testing.assert_allclose(
                here[f"{prefix}left_minus_right{one}"],
                -there[f"{prefix}left_minus_right{other}"],
                # The bootstrap draws its listeners anew from the other end.
                atol=0.002,
            )
    pd.testing.assert_series_equal(here["score"], there["score"])


def test_only_the_average_or_only_listeners_still_make_tables(make_scores, tmp_path):
    write_tables([make_scores(subjects=("average",))], None, tmp_path / "average")
    row = read(tmp_path / "average", "models.tsv").iloc[0]
    assert np.isnan(row["score"])
    assert row["average_score"] == pytest.approx(0.2, abs=0.05)
    assert len(read(tmp_path / "average", "listeners.tsv")) == 0
    write_tables([make_scores(subjects=("s1",))], None, tmp_path / "one")
    row = read(tmp_path / "one", "models.tsv").iloc[0]
    assert row["score_low"] < row["score"] < row["score_high"]  # over runs
    laws = json.loads((tmp_path / "one" / "laws.json").read_text())["laws"]
    assert {law["subjects"] for law in laws} == {"listeners"}
    assert all(law["slope"] is None for law in laws)


def test_one_run_and_nan_scores_give_rows_without_intervals(make_scores, tmp_path):
    dataset = make_scores(n_runs=1)
    dataset["score"][:, :, :, 5] = np.nan
    write_tables([dataset], None, tmp_path)
    row = read(tmp_path, "models.tsv").iloc[0]
    assert np.isfinite(row["average_score"])
    assert np.isnan(row["average_score_low"])
    regions = read(tmp_path, "regions.tsv").query("region == 'LIFG'")
    assert regions["score"].isna().all()
    assert (regions["n"] == 0).all()


def test_no_pairs_and_no_models(make_scores, tmp_path):
    dataset = make_scores(homologues=("",) * 6)
    write_tables([dataset], None, tmp_path)
    assert len(read(tmp_path, "asymmetry.tsv")) == 0
    assert np.isnan(read(tmp_path, "models.tsv").iloc[0]["left_minus_right"])
    write_tables([dataset.assign_attrs(kind="control")], None, tmp_path)
    assert json.loads((tmp_path / "laws.json").read_text()) == {"laws": []}
    write_tables([], None, tmp_path)
    assert list(read(tmp_path, "models.tsv").columns) == MODEL_COLUMNS


def test_scores_over_the_ceiling_and_the_index_stand_beside_the_difference(
    study, ceiling, tmp_path
):
    write_tables(study, ceiling, tmp_path)
    chosen = select_layers(study[1])["score"].values[0].mean(axis=0)
    limit = ceiling["reliability"].values.astype(float).mean(axis=0)
    regions = read(tmp_path, "regions.tsv").query(
        "model == 'tiny-3' and subjects == 'average' and layer_choice == 'validation'"
    )
    np.testing.assert_allclose(regions["over_ceiling"], chosen / limit, rtol=1e-4)
    row = (
        read(tmp_path, "asymmetry.tsv")
        .query("model == 'tiny-3' and subjects == 'average' and layer_choice == 'validation'")
        .iloc[0]
    )
    assert row["over_ceiling"] == pytest.approx(
        chosen[0] / limit[0] - chosen[1] / limit[1], abs=1e-5
    )
    assert row["over_ceiling_low"] < row["over_ceiling"] < row["over_ceiling_high"]
    assert row["index"] == pytest.approx(
        (chosen[0] - chosen[1]) / (chosen[0] + chosen[1]), abs=1e-5
    )
    laws = json.loads((tmp_path / "laws.json").read_text())["laws"]
    assert any(law["response"] == "left_minus_right over ceiling" for law in laws)


def test_any_column_is_a_predictor_and_partial_laws_hold_others_constant(make_scores, tmp_path):
    generator = np.random.default_rng(0)
    sizes = np.geomspace(1e6, 1e10, 12)
    hellaswag = 30 + 5 * np.log10(sizes / 1e6) + generator.normal(size=12)
    models = []
    for k, (size, value) in enumerate(zip(sizes, hellaswag, strict=True)):
        score = np.full((4, 1, 4, 6), 0.01 * value) + generator.normal(0, 0.001, (4, 1, 4, 6))
        models.append(
            make_scores(
                f"m{k}",
                score=score,
                validation=score,
                n_parameters=int(size),
                family=f"family {k % 6}",
                bits_per_byte=float(generator.normal(1.0, 0.1)),
                width=64 * (1 + k % 4),
            ).assign_attrs(n_layers=12 + k % 3)
        )
    columns = {"hellaswag": {f"m{k}": float(v) for k, v in enumerate(hellaswag)}}
    write_tables(models, None, tmp_path, columns=columns)
    laws = json.loads((tmp_path / "laws.json").read_text())["laws"]

    def find(predictor, held):
        return next(
            law
            for law in laws
            if law["predictor"] == predictor
            and law["held_constant"] == held
            and law["response"] == "score"
            and law["subjects"] == "average"
            and law["model_set"] == "all trained models"
        )

    plain = find("hellaswag", [])
    assert plain["slope"] == pytest.approx(0.01, abs=2e-4)
    assert plain["n_families"] == 6
    assert plain["over_families_low"] < 0.01 < plain["over_families_high"]
    assert plain["crossing_families_low"] is not None
    people = next(
        law
        for law in laws
        if law["predictor"] == "hellaswag"
        and law["subjects"] == "listeners"
        and law["response"] == "score"
        and not law["held_constant"]
    )
    assert people["slope_over_both_low"] < 0.01 < people["slope_over_both_high"]
    # The score crosses zero far below these columns, and the interval is on their scale.
    crossing = people["zero_crossing"]
    assert people["crossing_over_both_low"] < crossing < people["crossing_over_both_high"]
    assert find("hellaswag", ["log parameters"])["slope"] == pytest.approx(0.01, abs=5e-4)
    assert abs(find("log parameters", ["hellaswag"])["slope"]) < 0.001
    shaped = find("log parameters", ["layers", "width"])
    size = find("log parameters", [])
    assert shaped["slope"] != size["slope"]
    assert size["predicted_at"] == pytest.approx(1e11)
    assert size["predicted_low"] < size["predicted"] < size["predicted_high"]
    assert size["slope_without_a_family_low"] < size["slope"] < size["slope_without_a_family_high"]
    large = {law["model_set"]: law["models"] for law in laws}
    assert "trained models above 3e9 parameters" not in large  # two only
    slopes = read(tmp_path, "listener_slopes.tsv").query(
        "response == 'score' and predictor == 'hellaswag'"
    )
    assert list(slopes["listener"]) == ["s1", "s2", "s3"]
    np.testing.assert_allclose(slopes["slope"], 0.01, atol=3e-4)


def test_large_models_and_projected_ones_have_laws_of_their_own(make_scores, tmp_path):
    models = [make_scores(f"m{k}", seed=k, n_parameters=10 ** (6 + k)) for k in range(9)]
    models += [
        make_scores(f"p{k}", seed=k, n_parameters=10 ** (6 + k), projected_to=50) for k in range(9)
    ]
    write_tables(models, None, tmp_path)
    laws = json.loads((tmp_path / "laws.json").read_text())["laws"]
    sets = {law["model_set"]: law["models"] for law in laws}
    assert sets["trained models above 3e9 parameters"] == ["m4", "m5", "m6", "m7", "m8"]
    assert sets["trained models, features projected to 50"] == [f"p{k}" for k in range(9)]
    assert sets["all trained models"] == [f"m{k}" for k in range(9)]


def test_checkpoints_become_rises_with_their_order(make_scores, tmp_path):
    generator = np.random.default_rng(0)
    steps = [1, 10, 100, 1000, 10_000]
    early, late = [0, 0.1, 0.2, 0.2, 0.2], [0, 0, 0, 0.1, 0.2]
    models = []
    for k, step in enumerate(steps):
        score = generator.normal(0, 0.002, (6, 1, 4, 6))
        score[..., 0] += late[k]
        score[..., 1] += early[k]
        models.append(
            make_scores(
                f"tiny@{step}",
                kind="checkpoint",
                score=score,
                validation=score,
                subjects=("average", *(f"s{i}" for i in range(5))),
                training_step=step,
                bits_per_byte=3.0 - 0.2 * k,
            )
        )
    competence = {
        "hellaswag": {
            f"tiny@{step}": 0.25 + 0.1 * value for step, value in zip(steps, late, strict=True)
        },
        "loss": {f"tiny@{step}": 5.0 - value for step, value in zip(steps, early, strict=True)},
        "unknown": {"tiny@1": 0.5},
    }
    write_tables(models, None, tmp_path, columns=competence)
    rises = read(tmp_path, "rises.tsv").query("subjects == 'listeners'").set_index("curve")
    assert rises.loc["hellaswag", "step"] == pytest.approx(1000, rel=0.01)
    assert rises.loc["loss (turned over)", "step"] == pytest.approx(10, rel=0.01)
    assert "hellaswag 1.00" in rises.loc["right", "rises_before"]
    assert not any(curve.startswith("unknown") for curve in rises.index)
    assert rises.loc["right", "step"] == pytest.approx(10, rel=0.1)
    assert rises.loc["left", "step"] == pytest.approx(1000, rel=0.1)
    assert rises.loc["left", "low"] < rises.loc["left", "step"] < rises.loc["left", "high"]
    assert "left 1.00" in rises.loc["right", "rises_before"]
    assert (rises["n_checkpoints"] == 5).all()
    assert rises.loc["bits per byte (turned over)", "n"] == 1


def test_models_are_set_against_each_baseline_within_listeners_and_runs(study, tmp_path):
    write_tables(study, None, tmp_path)
    table = read(tmp_path, "over_baseline.tsv").set_index(
        ["model", "baseline", "quantity", "subjects"]
    )
    baselines = [one for one in study if one.attrs["kind"] == "random embedding"]
    model = study[1]
    chosen = select_layers(model)["score"].values
    seeds = np.mean([one["score"].values[:, 0] for one in baselines], axis=0)
    row = table.loc[model.attrs["model"], baselines[0].attrs["group"], "score", "listeners"]
    expected = interval_over_listeners((chosen - seeds)[1:].mean(axis=(1, 2)))
    assert row["difference"] == pytest.approx(float(expected.estimate), rel=1e-4)
    assert row["low"] == pytest.approx(float(expected.low), rel=1e-4)
    assert row["n"] == len(chosen) - 1
    row = table.loc[model.attrs["model"], baselines[0].attrs["group"], "score", "average"]
    assert row["difference"] == pytest.approx((chosen - seeds)[0].mean(), rel=1e-4)
    assert (row["interval_over"], row["n"]) == ("runs", chosen.shape[1])
    assert set(table.index.get_level_values("baseline")) == {baselines[0].attrs["group"]}
