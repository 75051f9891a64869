"""Some of every kind of bad input by the real command, in a process of its own.

All cases run inside the tests' process, which is quick. These show that what is shown there is what
people get: one sentence on stderr, the exit code, no traceback, no file changed.
"""

import importlib.util
from pathlib import Path

import pytest


def cases(kind):
    """The cases of a file beside this one."""
    path = Path(__file__).with_name(f"test_{kind}.py")
    spec = importlib.util.spec_from_file_location(f"cases_of_{kind}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODELS, STORIES, STUDIES = cases("models"), cases("stories"), cases("study_files")
TABLES, VOLUMES = cases("region_tables"), cases("volumes")
SURFACES = cases("surfaces")

SAMPLE = [
    (STUDIES, "there is none"),
    (STUDIES, "binary"),
    (STUDIES, "steers the terminal"),
    (STORIES, "table is a folder"),
    (STORIES, "text is a pdf"),
    (STORIES, "a zip that unpacks to gigabytes"),
    (TABLES, "nan"),
    (TABLES, "gzip"),
    (VOLUMES, "cut off"),
    (VOLUMES, "mask without place"),
    (SURFACES, "a flipped byte in the values"),
    (SURFACES, "values in another file"),
    (MODELS, "weights as a pickle"),
    (MODELS, "a GGUF that is empty"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "case"), SAMPLE, ids=[f"{k.__name__[9:]}: {case}" for k, case in SAMPLE]
)
def test_the_real_command(kind, case, request, really_complains, monkeypatch, tmp_path):
    monkeypatch.setenv("HEMISCALE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    fixtures = {
        MODELS: "model_folder",
        VOLUMES: "volumes_folder",
        SURFACES: "surfaces_folder",
    }
    fixture = fixtures.get(kind, "study_folder")
    command = MODELS.RUN if kind is MODELS else ("check", "study.toml")
    edits, fragments = kind.CASES[case]
    really_complains(request.getfixturevalue(fixture), edits, 2, fragments, command)


@pytest.mark.slow
def test_damaged_results_by_the_real_command(
    study_folder, hemiscale, really_complains, tmp_path, monkeypatch
):
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")
    out = tmp_path / "out"
    study = study_folder / "study.toml"
    hemiscale("run", study, "--out", out, "--only", "word-rate", "--workers", 1, "--quiet")
    really_complains(
        study_folder,
        [("../out/scores/word-rate.nc", "flip", 3000)],
        1,
        ["word-rate.nc: the file is damaged", "run the study again"],
        ("report", "study.toml", "--out", str(out)),
    )
