import csv
from pathlib import Path

import pytest

import hemiscale
from hemiscale.errors import InputError
from hemiscale.models import catalogue, expand_group, find_model
from hemiscale.models.entries import groups

DATASETS = Path(hemiscale.__file__).parent / "datasets"


def published():
    with (DATASETS / "published" / "published_en.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_paper_28_is_the_published_table():
    members = [find_model(name) for name in expand_group("paper-28")]
    rows = published()
    assert len(members) == len(rows) == 28
    for entry, row in zip(members, rows, strict=True):
        assert entry.hub.split("/")[1] == row["model_name"]
        assert entry.family == row["family"]
        assert entry.n_parameters == int(row["n_parameters"])
        assert entry.n_layers == int(row["n_layers"])
        assert entry.width == int(row["n_hid"])
        assert entry.ppl == pytest.approx(float(row["ppl"]), abs=1e-4)
        assert entry.hellaswag == pytest.approx(float(row["hellaswag"]))


def test_families_of_the_paper_and_what_is_gated():
    members = [find_model(name) for name in expand_group("paper-28")]
    counts = {entry.family: 0 for entry in members}
    for entry in members:
        counts[entry.family] += 1
    assert counts == {
        "GPT-2": 4, "OPT": 6, "Llama 2": 2, "Qwen1.5": 5, "Gemma": 2, "StableLM": 3,
        "Mistral": 1, "Mamba": 5,
    }  # fmt: skip
    gated = {entry.name for entry in catalogue().values() if entry.gated}
    assert gated == {"gemma-2b", "gemma-7b", "llama-2-7b", "llama-2-13b", "mistral-7b-v0.1"}


def test_every_entry_says_where_it_is_and_under_which_licence():
    for name, entry in catalogue().items():
        assert entry.name == name
        assert entry.licence
        assert entry.family
        assert [entry.folder, entry.package, entry.hub].count(None) == 2


def test_every_member_of_every_group_is_known():
    assert {"paper-28", "french", "chinese", "pythia-6.9b-training", "austen"} <= set(groups())
    for name, members in groups().items():
        assert members, name
        for member in members:
            assert find_model(member).name == member
    assert expand_group("gpt2") is None


def test_checkpoints():
    entry = find_model("pythia-6.9b@step1000")
    assert (entry.hub, entry.revision) == ("EleutherAI/pythia-6.9b", "step1000")
    assert (entry.training_step, entry.n_parameters) == (1000, 6857302016)
    assert len(catalogue()["pythia-6.9b"].steps) == 154
    assert find_model("austen-1.1m@step31").folder == "ladder/austen-1.1m/step-00031"
    # As the model card names it: 140,000 steps of 512 texts of 4,096 tokens.
    assert find_model("olmo-2-1b@step140000").revision == "stage1-step140000-tokens294B"
    # As scripts that use them name the first and the last checkpoint of the first stage.
    for name, revision in (
        ("olmo-2-1b@step0", "stage1-step0-tokens0B"),
        ("olmo-2-1b@step1907359", "stage1-step1907359-tokens4001B"),
        ("olmo-2-7b@step928646", "stage1-step928646-tokens3896B"),
        ("olmo-2-13b@step596057", "stage1-step596057-tokens5001B"),
    ):
        assert find_model(name).revision == revision
    # The model card of Pythia: step143000 is the main branch.
    assert find_model("pythia-1b@step143000").revision == "main"
    assert find_model("pythia-1b@step142000").revision == "step142000"
    with pytest.raises(InputError, match="no checkpoint 'step1000'"):
        find_model("olmo-2-1b@step1000")  # only every 10,000th is there
    assert find_model("gpt2@607a30d783dfa663caf39e06633721c8d4cfcd7e").revision.startswith("607a")


def test_a_checkpoint_that_is_not_there_names_those_that_are():
    with pytest.raises(InputError, match=r"no checkpoint 'step32'; it has step31, step78"):
        find_model("austen-1.1m@step32")
    with pytest.raises(InputError, match="it has none"):
        find_model("austen-4m@step31")
    with pytest.raises(InputError, match=r"step0, step1, step2, step4, \.\.\., step141000"):
        find_model("pythia-70m@step5")


def test_hub_ids():
    assert find_model("openai-community/gpt2").name == "gpt2"
    entry = find_model("someone/some-model@step-200")
    assert (entry.hub, entry.revision, entry.training_step) == (
        "someone/some-model",
        "step-200",
        200,
    )
    assert entry.n_parameters is None


@pytest.mark.parametrize(
    ("name", "near"),
    [("smollm3-135m", "smollm2-135m"), ("austen-5m", "austen-4m"), ("paper28", "paper-28")],
)
def test_near_names(name, near):
    with pytest.raises(InputError, match=near):
        find_model(name)


def test_word_vectors_are_no_language_model():
    with pytest.raises(InputError, match="static_embeddings"):
        find_model("glove-6b-50d")
