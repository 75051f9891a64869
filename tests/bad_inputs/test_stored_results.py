"""Stored results that are damaged: noticed, never a traceback; made again by a run."""

import shutil
from pathlib import Path

import pytest

from hemiscale.results import file_digest

SCORES = "scores/word-rate.nc"
FACTS = "scores/word-rate.json"
CEILING = "ceiling.nc"
DAMAGE = {
    "cut off": ("cut", 500),
    "cut to nothing": ("write", b""),
    "a flipped byte in the middle": ("flip", 3000),
    "a flipped byte at the start": ("flip", 1),
    "a flipped byte at the end": ("flip", -5),
    "bytes too many": ("append", b"\0"),
    "something else": ("write", b"<html>404</html>"),
}
TABLES = {
    "a table of models that is cut off": ("tables/models.tsv", "cut", 300),
    "a table of models that is binary": ("tables/models.tsv", "write", b"\xff\xfe\0\1" * 50),
    "laws that are no json": ("tables/laws.json", "write", "{"),
    "diagnostics that are a list": ("diagnostics.json", "write", "[1, 2]"),
    "timings that are no json": ("timings.json", "write", b"\xff"),
    "a study that is no toml": ("study.toml", "write", "= ="),
}


@pytest.fixture(scope="session")
def good_results(tmp_path_factory):
    """Empty until a test has run the study; then copied from it."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture
def results(study_folder, tmp_path, hemiscale, good_results):
    out = tmp_path / "out"
    kept = good_results / "out"
    if not kept.exists():
        code, shown = hemiscale(*run(study_folder, out), "--quiet")
        assert code == 0, shown
        shutil.copytree(out, kept)
        return out
    return Path(shutil.copytree(kept, out))


def run(study_folder, out):
    return ("run", study_folder / "study.toml", "--out", out, "--only", "word-rate", "--workers", 1)


@pytest.fixture
def no_page(monkeypatch):
    """Spare the figures, which take longest, where nothing is asked of them."""
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")


def check_words(shown):
    assert "Traceback" not in shown
    assert "fault of hemiscale" not in shown


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", [SCORES, CEILING])
def test_report_says_what_is_damaged_and_changes_nothing(
    study_folder, results, complains, name, how
):
    command = ("report", "study.toml", "--out", str(results))
    edits = [(f"../out/{name}", *DAMAGE[how])]
    before = file_digest(results / "report.html")
    complains(study_folder, edits, 1, [f"{name}: the file is damaged", "run the study again"],
              command)  # fmt: skip
    assert file_digest(results / "report.html") == before


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", [SCORES, FACTS])
def test_status_counts_damaged_scores_as_not_done(study_folder, results, complains, name, how):
    if how == "a flipped byte in the middle" and name == FACTS:
        how = "a flipped byte at the start"  # there are not so many bytes
    complains(
        study_folder,
        [(f"../out/{name}", *DAMAGE[how])],
        0,
        ["0 done, 5 left", "left: word-rate"],
        ("status", "study.toml", "--out", str(results)),
    )


@pytest.mark.parametrize("name", [SCORES, FACTS, CEILING])
def test_run_moves_damaged_files_aside_and_makes_them_again(
    study_folder, results, hemiscale, name, no_page
):
    whole = (results / name).read_bytes()
    (results / name).write_bytes(whole[:-40])
    code, shown = hemiscale(*run(study_folder, results))
    check_words(shown)
    assert code == 0
    assert f"{Path(name).name}: the stored file was damaged" in shown.replace("\n", "")
    assert (results / f"{name}.damaged").read_bytes() == whole[:-40]
    if name != FACTS:  # which holds times
        assert (results / name).read_bytes() == whole
    _, again = hemiscale(*run(study_folder, results))
    assert "was damaged" not in again


def test_damaged_activations_are_made_again(model_folder, tmp_path, hemiscale, no_page):
    out = tmp_path / "out"
    command = [part if part != "word-rate" else "model" for part in run(model_folder, out)]
    assert hemiscale(*command)[0] == 0
    stored = out / "activations/model/run-01.safetensors"
    whole, scores = stored.read_bytes(), (out / "scores/model.nc").read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    stored.write_bytes(damaged)
    (out / "scores/model.nc").unlink()
    code, shown = hemiscale(*command)
    check_words(shown)
    assert code == 0
    assert "run-01.safetensors: the stored file was damaged" in shown.replace("\n", "")
    assert stored.read_bytes() == whole
    assert (out / "scores/model.nc").read_bytes() == scores


def test_page_is_made_whatever_was_there(study_folder, results, hemiscale):
    for name, how, what in TABLES.values():
        path = results / name
        damaged = path.read_bytes()[:-what] if how == "cut" else what
        path.write_bytes(damaged.encode() if isinstance(damaged, str) else damaged)
    code, shown = hemiscale("report", study_folder / "study.toml", "--out", results)
    check_words(shown)
    assert code == 0, shown
    assert "could not be read" in (results / "report.html").read_text()
