import pytest

from hemiscale.errors import InputError
from hemiscale.models import catalogue, find_model
from hemiscale.models.listing import describe_groups, describe_model, list_models


def names(which):
    return [row.entry.name for row in list_models(which)]


def test_all_models_in_the_order_of_the_catalogue():
    assert names(None) == list(catalogue())
    here = {row.entry.name: row.here for row in list_models()}
    assert here["austen-4m"]
    assert not here["qwen1.5-14b"]


def test_groups_families_languages_and_single_models():
    assert len(names("paper-28")) == 28
    assert names("french")[0] == "gpt2-base-french"
    assert names("pythia-6.9b-training")[-1] == "pythia-6.9b@step143000"
    assert len(names("pythia")) == 8  # the group
    assert names("mamba") == [f"mamba-{size}" for size in ("130m", "370m", "790m", "1.4b", "2.8b")]
    assert names("zh") == [
        "gpt2-tiny-chinese", "gpt2-base-chinese", "qwen2-0.5b", "qwen2-1.5b", "qwen2-7b",
    ]  # fmt: skip
    assert names("gpt2") == ["gpt2"]
    assert names("pythia-70m@step1000") == ["pythia-70m@step1000"]
    assert names("EleutherAI/pythia-70m") == ["pythia-70m"]


@pytest.mark.parametrize(("which", "near"), [("frensh", "french"), ("xyzzy", "lists what it has")])
def test_what_there_is_not(which, near):
    with pytest.raises(InputError, match=near):
        list_models(which)


def test_every_group_with_its_size():
    found = {name: number for name, number, _ in describe_groups()}
    assert found["paper-28"] == 28
    assert {"french", "chinese", "pythia-6.9b-training", "olmo-2-7b-training"} <= set(found)


def test_one_model_says_what_was_checked_and_what_not():
    lines = dict(describe_model(find_model("olmo-2-1b")))
    assert lines["parameters"] == "1,484,916,736"
    assert lines["checkpoints"].endswith("step0 to step1907359")
    assert "list of checkpoints" in lines["checked: checkpoints"]
    assert lines["not checked"] == "licence, gated"
    lines = dict(describe_model(find_model("gpt2")))
    assert lines["perplexity, published"] == "25.188"
    assert "paper-28" in lines["groups"]
    assert "context" in lines["not checked"]
    assert "gated" not in dict(describe_model(find_model("austen-4m")))
