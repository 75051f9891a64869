"""The examples run, and say what the study itself says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


def test_every_example_is_tried_here() -> None:
    tried = set(re.findall(r'run\("([a-z_]+\.py)"', Path(__file__).read_text(encoding="utf-8")))
    assert {path.name for path in EXAMPLES.glob("*.py")} == tried


def test_own_features() -> None:
    lines = run("own_features.py").splitlines()
    scores = {line.split()[0]: float(line.split()[1]) for line in lines}
    assert list(scores) == ["LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG"]
    # Word rate alone reaches about .28 on this data set.
    assert np.mean(list(scores.values())) > 0.15


@pytest.mark.slow
def test_one_word_ends_where_the_study_ends() -> None:
    lines = run("one_word.py").splitlines()
    assert "  characters 548 to 554 of the text: 'rabbit'" in lines
    told = lines[-1].partition(": ")[2].split(", ")
    scores = {name: float(value) for name, value in map(str.split, told)}
    # The study's own numbers for this model and the average listener.
    page = (EXAMPLES.parent / "docs" / "alice.md").read_text(encoding="utf-8")
    table = page.partition("<!-- regions -->")[2].partition("<!-- end -->")[0].splitlines()
    heading, row = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table
        if line.startswith(("| model", "| austen-0.1m |"))
    )
    published = dict(zip(heading[1:-1], map(float, row[1:-1]), strict=True))
    assert scores == pytest.approx(published, abs=0.005)


@pytest.mark.slow
def test_layers_of_a_model() -> None:
    lines = run("layers_of_a_model.py").splitlines()
    layers = [float(line.split()[-1]) for line in lines if line.startswith("layer")]
    assert len(layers) == 3
    # The study's own number for this model and the average listener (docs/alice.md).
    assert float(lines[-1].split()[-1]) == pytest.approx(0.359, abs=0.005)


def test_published_law(tmp_path: Path) -> None:
    printed = run("published_law.py", str(tmp_path))
    assert "per tenfold" in printed
    assert (tmp_path / "left-minus-right.svg").stat().st_size > 1000
    assert (tmp_path / "left-minus-right.png").stat().st_size > 1000
