import pytest

from hemiscale.datasets import alice_study
from hemiscale.errors import InputError
from hemiscale.pipeline.plan import choose, plan_study, with_model
from hemiscale.study import read_study


@pytest.fixture(scope="module")
def alice():
    return read_study(alice_study())


def test_alice_plan_has_ladder_twins_checkpoints_and_baselines(alice):
    features = plan_study(alice)
    by_kind = {kind: [f for f in features if f.kind == kind] for kind in {f.kind for f in features}}
    ladder = ["austen-0.1m", "austen-0.4m", "austen-1.1m", "austen-4m"]
    assert [f.name for f in by_kind["trained"]] == [*ladder, "smollm2-135m"]
    assert [f.name for f in by_kind["untrained"]] == [f"{n}-untrained-seed0" for n in ladder]
    assert len(by_kind["checkpoint"]) == 6
    steps = [f.training_step for f in by_kind["checkpoint"]]
    assert steps == sorted(set(steps))
    assert len(by_kind["random vector"]) == len(by_kind["random embedding"]) == 20
    assert len({f.group for f in by_kind["random vector"]}) == 2
    assert len({f.name for f in features}) == len(features)


def test_unknown_models_are_named_together(alice):
    study = with_model(with_model(alice, "smollm3-135m"), "austen-5m")
    with pytest.raises(InputError) as caught:
        plan_study(study)
    assert len(caught.value.problems) == 2
    assert "smollm2-135m" in caught.value.problems[0]


def test_choosing_by_name_and_group(alice):
    features = plan_study(alice)
    assert choose(features, []) == features
    assert [f.name for f in choose(features, ["word-rate"])] == ["word-rate"]
    assert len(choose(features, ["random-vector-300d"])) == 10


def test_families_are_the_catalogues_unless_the_study_names_them(alice, tmp_path):
    (tmp_path / "mine").mkdir()
    study = with_model(alice.model_copy(update={"models": []}), str(tmp_path / "mine"))
    study = with_model(study, "smollm2-135m")
    assert [f.family for f in plan_study(study)[-2:]] == ["", "SmolLM2"]
    named = [m.model_copy(update={"family": "ours", "untrained": [0]}) for m in study.models]
    features = plan_study(study.model_copy(update={"models": named}))[-4:]
    assert [f.family for f in features] == ["ours"] * 4


def test_folders_and_labels(alice, tmp_path):
    (tmp_path / "mine").mkdir()
    study = with_model(alice.model_copy(update={"models": []}), str(tmp_path / "mine"))
    feature = plan_study(study)[-1]
    assert (feature.name, feature.source) == ("mine", str(tmp_path / "mine"))
