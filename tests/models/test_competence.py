import json
from functools import partial

import numpy as np
import pytest

from hemiscale.errors import InputError
from hemiscale.models import load_model, read_story
from hemiscale.models.competence import Harness, bits_per_byte, evaluate_tasks

TEXT = "It was a dark and stormy night; the rain fell in torrents. She had never been so happy. "


@pytest.fixture(scope="module")
def ladder():
    return {name: load_model(name) for name in ("austen-0.1m", "austen-4m")}


def test_bits_per_byte_is_what_a_plain_pass_gives(ladder):
    import torch

    model, tokenizer = ladder["austen-0.1m"]
    prefix = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else (
        tokenizer.eos_token_id
    )  # fmt: skip
    ids = [prefix, *tokenizer(TEXT, add_special_tokens=False)["input_ids"]]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double()
    logs = torch.log_softmax(logits, -1)[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]
    expected = -float(logs.sum()) / np.log(2) / len(TEXT.encode())
    assert bits_per_byte(model, tokenizer, TEXT) == pytest.approx(expected, rel=1e-5)
    words = np.array([[0, 2], [3, 6]])
    assert bits_per_byte(model, tokenizer, TEXT) == pytest.approx(
        read_story(model, tokenizer, TEXT, words, bos="always").bits_per_byte
    )


def test_texts_beyond_the_context_are_read_in_windows(ladder):
    model, tokenizer = ladder["austen-0.1m"]
    whole = bits_per_byte(model, tokenizer, TEXT * 4)
    windows = bits_per_byte(model, tokenizer, TEXT * 4, context=32)
    assert np.isfinite([whole, windows]).all()
    assert windows != whole


def test_larger_models_and_english_need_fewer_bits(ladder):
    small, large = (bits_per_byte(*ladder[name], TEXT) for name in ("austen-0.1m", "austen-4m"))
    assert large < small
    shuffled = "".join(np.random.default_rng(0).permutation(list(TEXT)))
    assert bits_per_byte(*ladder["austen-4m"], shuffled) > large + 1


def test_an_empty_text_has_no_bits(ladder):
    with pytest.raises(InputError, match="text is empty"):
        bits_per_byte(*ladder["austen-0.1m"], " \n")


def test_without_the_harness_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lm_eval", None)
    with pytest.raises(InputError, match=r"pip install hemiscale\[competence\]"):
        evaluate_tasks(None, None, ["hellaswag"])


def test_data_that_cannot_be_had(ladder, tiny_task, monkeypatch):
    pytest.importorskip("lm_eval")
    import datasets

    def unreachable(*_, **__):
        raise ConnectionError("Couldn't reach 'Rowan/hellaswag' on the Hub")

    harness = Harness(["tiny_endings"], task_folder=tiny_task)
    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    for step in (harness.fetch_data, lambda: harness.score(*ladder["austen-0.1m"])):
        with pytest.raises(InputError, match=r"data of tiny_endings cannot be had: Couldn't reach"):
            step()


def test_a_task_that_is_nearly_known(tiny_task, monkeypatch):
    pytest.importorskip("lm_eval")
    from lm_eval import tasks

    few = partial(tasks.TaskManager, include_defaults=False)
    monkeypatch.setattr(
        tasks, "TaskManager", lambda include_path=None, **_: few(include_path=include_path)
    )
    with pytest.raises(InputError, match="did you mean tiny_endings"):
        Harness(["tiny_ending"], task_folder=tiny_task)


TASK = """\
task: tiny_endings
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{query}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{label}}}}"
metric_list:
  - metric: acc
  - metric: acc_norm
"""
ITEMS = [
    ("She was a very amiable young", ["woman", "zqx"]),
    ("He could not help", ["laughing", "the of"]),
    ("They went to the ball in a", ["carriage", "whwhwh"]),
    ("My dear Mr.", ["Bennet", "vvvvvv"]),
]


@pytest.fixture
def tiny_task(tmp_path, monkeypatch):
    data = tmp_path / "items.jsonl"
    rows = [{"query": q, "choices": choices, "label": 0} for q, choices in ITEMS]
    data.write_text("\n".join(map(json.dumps, rows)))
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "tiny.yaml").write_text(TASK.format(data=data))
    return folder


@pytest.mark.slow
def test_a_local_task_through_the_harness(ladder, tiny_task, tmp_path, monkeypatch):
    pytest.importorskip("lm_eval")
    model, tokenizer = ladder["austen-4m"]
    found = evaluate_tasks(model, tokenizer, ["tiny_endings"], task_folder=tiny_task)
    assert found == {"tiny_endings": 1.0}
    with pytest.raises(InputError, match="no such folder of task files"):
        evaluate_tasks(model, tokenizer, ["x"], task_folder=tmp_path / "nothing")
    from lm_eval import tasks

    few = partial(tasks.TaskManager, include_defaults=False)
    monkeypatch.setattr(
        tasks, "TaskManager", lambda include_path=None, **_: few(include_path=include_path)
    )
    with pytest.raises(InputError, match="'no_such_task' is no task"):
        evaluate_tasks(model, tokenizer, ["no_such_task"], task_folder=tiny_task)
