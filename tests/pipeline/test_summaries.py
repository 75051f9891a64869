"""Scores reduced subject by subject: the same tables whoever does it, and nothing done twice."""

import io

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from hemiscale.analysis import (
    columns_of,
    summarise_subject,
    write_reduced_tables,
    write_tables,
)
from hemiscale.errors import HemiscaleError
from hemiscale.pipeline import summaries
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.summaries import make_summaries, read_summary, write_summary
from hemiscale.results import (
    DamagedFileError,
    ResultsFolder,
    file_digest,
    read_dataset,
    write_dataset,
    write_record,
)

PAIRS, MIDLINE = 40, 5
N = 2 * PAIRS + MIDLINE
NAMES = ("small", "large", "control")


def scores_of(name, subjects=("average", "s1", "s2"), seed=0, n_targets=N):
    rng = np.random.default_rng(seed)
    n_layers = 1 if name == "control" else 3
    dims = ("subject", "layer", "run", "target")
    score = rng.normal(0.1, 0.05, (len(subjects), n_layers, 4, n_targets)).astype(np.float32)
    score[-1, :, :, 7] = np.nan  # a voxel that one listener lacks
    side = np.array(["left"] * PAIRS + ["right"] * PAIRS + ["midline"] * MIDLINE)
    mirror = np.r_[np.arange(PAIRS) + PAIRS, np.arange(PAIRS), np.full(MIDLINE, -1)]
    return xr.Dataset(
        {
            "score": (dims, score),
            "validation_score": (dims, rng.permuted(score, axis=1)),
            "alpha": (dims[:3], np.ones(score.shape[:3])),
        },
        coords={
            "subject": list(subjects),
            "layer": np.arange(n_layers),
            "run": np.arange(1, 5),
            "target": np.arange(n_targets),
            "hemisphere": ("target", side[:n_targets]),
            "mirror": ("target", mirror[:n_targets]),
            **{axis: ("target", np.zeros(n_targets)) for axis in "xyz"},
        },
        attrs={
            "model": name,
            "kind": "control" if name == "control" else "trained",
            "group": name,
            "family": "Tiny",
            "n_parameters": {"small": 1000, "large": 9000}.get(name, 0),
            "n_layers": n_layers - 1,
            "width": 8,
            "seed": -1,
            "training_step": -1,
            "validation": "all",
            "bits_per_byte": 1.5,
            "perplexity": 40.0,
            "fingerprint": f"{name} {seed}",
        },
    )


@pytest.fixture
def folder(tmp_path):
    made = ResultsFolder(tmp_path / "out")
    rng = np.random.default_rng(9)
    for k, name in enumerate(NAMES):
        write_dataset(made.scores(name), scores_of(name, seed=k))
    reliability = rng.uniform(0.1, 0.6, (5, N)).astype(np.float32)
    ceiling = xr.Dataset({"reliability": (("split", "target"), reliability)})
    write_dataset(made.ceiling, ceiling.assign_attrs(fingerprint="c"))
    region = xr.Dataset(
        {"region": (("region_name", "target"), rng.random((1, N)) < 0.2)},
        coords={"region_name": ["TP"]},
        attrs={"fingerprint": "v"},
    )
    write_dataset(made.voxels, region)
    return made


@pytest.fixture
def display():
    return Display(Console(file=io.StringIO(), width=400))


def digests(folder, pattern):
    return {path.name: file_digest(path) for path in sorted(folder.glob(pattern))}


def tables(folder, out, helpers, display):
    found = make_summaries(NAMES, folder, display, helpers)
    maps = write_reduced_tables(
        found.models, found.columns, found.targets, read_dataset(folder.ceiling), out
    )
    return digests(out, "*"), maps


class Cluster:
    """Workers who do what they are asked for in another order, and note what it was."""

    def __init__(self):
        self.asked = []

    def map(self, function, items, **common):
        done = {}
        for k in reversed(range(len(items))):
            self.asked.append(function.__name__)
            done[k] = function(*items[k], **common)
        yield from (done[k] for k in range(len(items)))


def test_tables_are_those_of_the_whole_files_whoever_reduces(
    folder, display, tmp_path, monkeypatch
):
    maps = write_tables(
        [read_dataset(folder.scores(name)) for name in NAMES],
        read_dataset(folder.ceiling),
        tmp_path / "whole",
        voxels=read_dataset(folder.voxels),
    )
    expected = digests(tmp_path / "whole", "*")
    assert len(expected) > 10
    found, drawn = tables(folder, tmp_path / "alone", Helpers(), display)
    assert found == expected
    xr.testing.assert_identical(drawn, maps)
    kept = {
        path.relative_to(folder.root): file_digest(path)
        for path in folder.root.glob("summaries/*/*")
    }
    assert len(kept) == 3 * 3
    # Every subject is a piece of work of its own.
    monkeypatch.setattr(summaries, "BATCH", 1)
    monkeypatch.setattr(summaries, "VERIFIED", 1)
    cluster = Cluster()
    for name, helpers in (("two", Helpers(2)), ("cluster", Helpers(1, cluster))):
        for path in kept:
            (folder.root / path).unlink()
        found, drawn = tables(folder, tmp_path / name, helpers, display)
        assert found == expected
        xr.testing.assert_identical(drawn, maps)
        assert {path: file_digest(folder.root / path) for path in kept} == kept
    assert cluster.asked == ["_digests"] * 3 + ["summarise"] * 9


def test_only_what_changed_is_reduced_again(folder, display, tmp_path, monkeypatch):
    monkeypatch.setattr(summaries, "BATCH", 1)
    made = []
    reduce = summaries.summarise

    def noted(tasks, folder):
        made.extend((task.model, task.subject) for task in tasks)
        return reduce(tasks, folder)

    monkeypatch.setattr(summaries, "summarise", noted)
    make_summaries(NAMES, folder, display, Helpers())
    assert len(made) == 9
    made.clear()
    make_summaries(NAMES, folder, display, Helpers())
    assert not made
    # Killed in the middle: one is missing.
    folder.summary("large", 1).unlink()
    make_summaries(NAMES, folder, display, Helpers())
    assert made == [("large", 1)]
    made.clear()
    write_dataset(folder.scores("small"), scores_of("small", seed=5))
    make_summaries(NAMES, folder, display, Helpers())
    assert made == [("small", 0), ("small", 1), ("small", 2)]
    # Other regions, or another ceiling, leave the scores as they are, but not what is made of them.
    for path, variable in ((folder.ceiling, "reliability"), (folder.voxels, "region")):
        made.clear()
        whole = read_dataset(path)
        write_dataset(path, whole.assign({variable: whole[variable][..., ::-1]}))
        make_summaries(NAMES, folder, display, Helpers())
        assert len(made) == 9


def test_damaged_files_are_noticed(folder, display, tmp_path):
    expected, _ = tables(folder, tmp_path / "before", Helpers(), display)
    path = folder.summary("large", 2)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + bytes(9))
    found, _ = tables(folder, tmp_path / "after", Helpers(), display)
    assert found == expected
    assert path.read_bytes() == whole
    assert "subject-002.safetensors: the stored file was damaged" in display.console.file.getvalue()
    scores = folder.scores("large")
    scores.write_bytes(scores.read_bytes()[:-100])
    with pytest.raises(DamagedFileError, match=r"large\.nc: the file is damaged"):
        make_summaries(NAMES, folder, display, Helpers())


def test_scores_of_another_study_are_refused(folder, display):
    write_dataset(folder.scores("large"), scores_of("large", n_targets=N - 1))
    with pytest.raises(HemiscaleError, match=r"large\.nc: has other targets than the models"):
        make_summaries(NAMES, folder, display, Helpers())


@pytest.mark.parametrize("after", ["all was done", "reducing began", "all was reduced"])
def test_scores_that_a_late_worker_put_there_never_reach_the_tables(
    folder, display, monkeypatch, after
):
    made_from = {name: f"{name} {k}" for k, name in enumerate(NAMES)}
    for name, mark in made_from.items():
        write_record(folder.pieces(name), {"fingerprint": mark})
    path = folder.scores("large")
    expected = make_summaries(NAMES, folder, display, Helpers(), made_from)
    whole = path.read_bytes()
    summaries_before = digests(folder.root / "summaries", "*/*")

    def replace(*arguments):
        write_dataset(path, scores_of("large", seed=9))

    if after == "all was done":
        replace()
    elif after == "reducing began":
        for file in folder.root.glob("summaries/*/*"):
            file.unlink()
        monkeypatch.setattr(Helpers, "map_batches", _first(replace, Helpers.map_batches, "summ"))
    else:
        monkeypatch.setattr(
            summaries, "_make", lambda *a, make=summaries._make: (make(*a), replace())
        )
    with pytest.raises(HemiscaleError, match=r"large\.nc: not what was made .*Start again"):
        make_summaries(NAMES, folder, display, Helpers(), made_from)
    monkeypatch.undo()
    path.write_bytes(whole)
    again = make_summaries(NAMES, folder, display, Helpers(), made_from)
    assert digests(folder.root / "summaries", "*/*") == summaries_before
    assert len(again.models) == len(expected.models)
    # The facts beside the scores count too.
    write_record(folder.pieces("small"), {"fingerprint": "another"})
    with pytest.raises(HemiscaleError, match=r"small\.nc: not what was made"):
        make_summaries(NAMES, folder, display, Helpers(), made_from)


def _first(change, method, name):
    """Change something just before a function of this name is handed out."""

    def changed(self, function, *arguments, **options):
        if function.__name__.startswith(name):
            change()
        return method(self, function, *arguments, **options)

    return changed


def test_no_models_no_summaries(folder, display):
    found = make_summaries([], folder, display, Helpers())
    assert (found.models, found.columns, found.targets) == ([], None, None)


@pytest.mark.parametrize("subjects", [("average", "s1"), ("s1", "s2")])
def test_what_is_stored_comes_back(tmp_path, subjects):
    scores = scores_of("small", subjects)
    for k, name in enumerate(subjects):
        made = summarise_subject(scores, k, columns_of(scores))
        path = tmp_path / f"{k}.safetensors"
        write_summary(path, "stamp", made)
        assert read_summary(path, "other") is None
        back = read_summary(path, "stamp")
        assert back.name == name
        assert set(made.chosen) == {"validation", "region", "test"}
        assert (back.runs is not None) == (name == "average")
        assert (back.map is not None) == (name == "average" or "average" not in subjects)
        pairs = [
            (made.profile, back.profile),
            (made.votes, back.votes),
            (made.region_layers, back.region_layers),
            *((made.chosen[how], back.chosen[how]) for how in made.chosen),
        ]
        if made.map is not None:
            pairs += [(made.map.score, back.map.score), (made.map.layers, back.map.layers)]
        if made.runs is not None:
            pairs += [(made.runs.profile, back.runs.profile)]
            pairs += [(made.runs.profile_without, back.runs.profile_without)]
            for how in made.chosen:
                pairs.append((made.runs.chosen[how], back.runs.chosen[how]))
                pairs.append((made.runs.without[how], back.runs.without[how]))
        for one, other in pairs:
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
