import json
from pathlib import Path

import numpy as np
import pytest

from hemiscale.errors import InputError
from hemiscale.models import load_model, read_story
from hemiscale.models.competence import bits_per_byte, evaluate_tasks
from hemiscale.pipeline import competence_measures
from hemiscale.pipeline.competence import read_competence
from hemiscale.pipeline.competence_measures import Measures, measure_competence
from hemiscale.pipeline.stories import read_stories
from hemiscale.study import read_study

MODELS = """
[[models]]
name = "austen-0.1m"
untrained = [0]

[[models]]
name = "austen-4m"
"""


@pytest.fixture
def study(study_folder):
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + MODELS)
    return read_study(path)


def cells(path):
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}


def test_bits_per_byte_of_the_story_and_of_a_text(study, study_folder):
    text = study_folder / "other.txt"
    text.write_text("It was a dark and stormy night, and the rain fell in torrents.")
    path = measure_competence(study, Measures(texts=(text,), stimulus=True))
    assert path == study_folder / "competence.tsv"
    found = cells(path)
    assert list(found) == ["austen-0.1m", "austen-0.1m-untrained-seed0", "austen-4m"]
    (story,) = read_stories(study, [], [])
    for name, seed in (("austen-0.1m", None), ("austen-0.1m-untrained-seed0", 0)):
        model, tokenizer = load_model("austen-0.1m", untrained=seed)
        read = read_story(model, tokenizer, story.text, story.spans, bos="always")
        assert float(found[name]["bits_per_byte_stimulus"]) == pytest.approx(
            read.bits_per_byte, rel=1e-5
        )
        assert float(found[name]["bits_per_byte_other"]) == pytest.approx(
            bits_per_byte(model, tokenizer, text.read_text()), rel=1e-5
        )
    assert float(found["austen-4m"]["bits_per_byte_other"]) < float(
        found["austen-0.1m"]["bits_per_byte_other"]
    )


def test_only_what_is_missing_is_measured_and_the_users_columns_stay(study, monkeypatch):
    folder = Path(study.folder)
    study = study.model_copy(update={"competence": competence("mine.csv")})
    (folder / "mine.csv").write_text(
        "taste;model;bits_per_byte_stimulus\n0.5;austen-4m;1.25\n7;someone-elses;\n"
    )
    loaded = []
    monkeypatch.setattr(
        "hemiscale.models.load_model",
        lambda source, **options: loaded.append(source) or load_model(source, **options),
    )
    path = measure_competence(study, Measures(stimulus=True))
    assert loaded == ["austen-0.1m", "austen-0.1m"]
    lines = path.read_text().splitlines()
    assert lines[:3] == [
        "taste;model;bits_per_byte_stimulus", "0.5;austen-4m;1.25", "7;someone-elses;",
    ]  # fmt: skip
    assert len(lines) == 5
    said = []
    measure_competence(study, Measures(stimulus=True), say=said.append)
    assert len(loaded) == 2
    assert said[0] == "austen-0.1m: all is there."
    measure_competence(study, Measures(stimulus=True), only=["austen-4m"], again=True)
    assert loaded[2:] == ["austen-4m"]
    assert "0.5;austen-4m;1.25" not in path.read_text()
    columns = read_competence(study, ["austen-4m"])
    assert columns["taste"] == {"austen-4m": 0.5}
    assert np.isfinite(columns["bits_per_byte_stimulus"]["austen-4m"])


def test_a_killed_run_keeps_the_models_that_are_done(study, monkeypatch):
    def fail(source, **options):
        if source == "austen-4m":
            raise KeyboardInterrupt
        return load_model(source, **options)

    monkeypatch.setattr("hemiscale.models.load_model", fail)
    with pytest.raises(KeyboardInterrupt):
        measure_competence(study, Measures(stimulus=True))
    assert len(cells(Path(study.folder) / "competence.tsv")) == 2


@pytest.mark.parametrize(
    ("measures", "only", "sentence"),
    [
        (Measures(), [], "nothing to measure"),
        (Measures(texts=(Path("nowhere.txt"),)), [], r"nowhere\.txt"),
        (Measures(tasks=("score",)), [], "'score' is a column of models.tsv"),
        (Measures(texts=(Path("a/x.txt"), Path("b/x.txt"))), [], "measured twice"),
        (Measures(stimulus=True), ["word-rate"], "no language model to measure"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(
    measures, only, sentence, study, monkeypatch
):
    monkeypatch.setattr("hemiscale.models.load_model", None)
    with pytest.raises(InputError, match=sentence):
        measure_competence(study, measures, only=only)


def test_a_model_that_does_not_fit_is_said_before_anything_is_loaded(study, monkeypatch):
    from hemiscale.models import estimates

    monkeypatch.setattr(estimates, "available_memory", lambda: 1e6)
    monkeypatch.setattr("hemiscale.models.load_model", None)
    with pytest.raises(InputError, match=r"needs about .* of memory"):
        measure_competence(study, Measures(stimulus=True))


def competence(table):
    from hemiscale.study.model import Competence

    return Competence(table=table)


# HellaSwag and BLiMP as the harness has them, with a few items of our own in the same form.
HELLASWAG = [
    ("Dancing", "She was asked to dance by", "mr. Darcy", ["and she danced.", "zq xv jj."], "0"),
    ("Visiting", "They went to see", "the house", ["qqq zzz.", "and the garden."], "1"),
    ("Writing", "He wrote a letter to", "his sister", ["and sent it.", "xkcd vvv wq."], "0"),
]
BLIMP = [("She was happy.", "Was happy she she."), ("They were there.", "They there was were.")]


@pytest.fixture
def local_tasks(tmp_path):
    lm_eval = pytest.importorskip("lm_eval")
    tasks = Path(lm_eval.__file__).parent / "tasks"
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = {
        "hellaswag": [
            {"activity_label": label, "ctx_a": a, "ctx_b": b, "endings": endings, "label": gold}
            for label, a, b, endings, gold in HELLASWAG
        ],
        "blimp": [{"sentence_good": good, "sentence_bad": bad} for good, bad in BLIMP],
    }
    for name, include, split, unused in (
        ("hellaswag", tasks / "hellaswag" / "hellaswag.yaml", "validation", "training_split"),
        ("blimp", tasks / "blimp" / "_template_yaml", "train", "test_split"),
    ):
        data = tmp_path / f"{name}.jsonl"
        data.write_text("\n".join(map(json.dumps, rows[name])))
        (folder / f"{name}.yaml").write_text(
            f"include: {include}\ntask: small_{name}\ndataset_path: json\ndataset_name: null\n"
            f"{unused}: null\ndataset_kwargs:\n  data_files:\n    {split}: {data}\n"
        )
    return folder


@pytest.mark.slow
def test_tasks_in_the_form_of_hellaswag_and_blimp(study, local_tasks):
    names = ("small_hellaswag", "small_blimp")
    path = measure_competence(study, Measures(tasks=names, task_folder=local_tasks))
    found = cells(path)
    model, tokenizer = load_model("austen-4m")
    direct = evaluate_tasks(model, tokenizer, names, task_folder=local_tasks)
    for name in names:
        assert float(found["austen-4m"][name]) == pytest.approx(direct[name], rel=1e-5)
    assert direct == {"small_hellaswag": 1.0, "small_blimp": 1.0}
    few = measure_competence(
        study, Measures(tasks=names, task_folder=local_tasks, limit=1), only=["austen-4m"]
    )
    assert cells(few)["austen-4m"]["small_blimp_first_1"] == "1"
    columns = read_competence(
        study.model_copy(update={"competence": competence(path.name)}), list(found)
    )
    assert set(columns) >= {*names, "small_hellaswag_first_1"}


@pytest.mark.slow
def test_from_the_shell(study, capsys, monkeypatch):
    import sys

    from hemiscale import cli

    folder = Path(study.folder)
    monkeypatch.setattr(
        sys, "argv",
        ["hemiscale", "competence", str(folder / "study.toml"), "--only", "austen-0.1m"],
    )  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    shown = capsys.readouterr().out
    assert "austen-0.1m: bits_per_byte_stimulus = " in shown
    assert 'table = "competence.tsv"' in shown
    assert list(cells(folder / "competence.tsv")) == ["austen-0.1m"]


def test_the_module_names_its_public_functions():
    assert set(competence_measures.__all__) == {
        "Measures", "competence_table", "measure_competence",
    }  # fmt: skip
