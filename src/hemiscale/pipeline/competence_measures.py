"""Measure how well the models of a study know language, and put it into the table of competence."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.analysis.dictionary import COLUMNS
from hemiscale.errors import InputError
from hemiscale.pipeline.competence import read_cells
from hemiscale.pipeline.costs import that_fit
from hemiscale.pipeline.inputs import available
from hemiscale.pipeline.plan import choose, plan_study
from hemiscale.pipeline.stories import Story, read_stories
from hemiscale.results import write_text
from hemiscale.study import Study

if TYPE_CHECKING:
    from hemiscale.models.competence import Harness

__all__ = ["Measures", "competence_table", "measure_competence"]

Measure = Callable[[Any, Any], dict[str, float]]

_WORDS = 1000  # a batch of items or a window of text, for the estimate of memory


@dataclass(frozen=True)
class Measures:
    """What is measured.

    Attributes
    ----------
    tasks : tuple of str
        Of lm-evaluation-harness.
    texts : tuple of Path
        Plain text files, for bits per byte.
    stimulus : bool
        Bits per byte of the study's own story.
    task_folder : Path or None
        Task files of the user's own.
    limit : int or None
        Items of each task; None: all.
    """

    tasks: tuple[str, ...] = ()
    texts: tuple[Path, ...] = ()
    stimulus: bool = False
    task_folder: Path | None = None
    limit: int | None = None

    @property
    def task_columns(self) -> dict[str, str]:
        """Task by column; a part of a task is not called like the whole."""
        part = f"_first_{self.limit}" if self.limit is not None else ""
        return {f"{task}{part}": task for task in self.tasks}

    @property
    def text_columns(self) -> dict[str, Path]:
        """Text by column."""
        return {_text_column(path): path for path in self.texts}

    @property
    def columns(self) -> list[str]:
        """Names of all columns that this gives."""
        story = ["bits_per_byte_stimulus"] if self.stimulus else []
        return [*story, *map(_text_column, self.texts), *self.task_columns]


def _text_column(path: Path) -> str:
    return f"bits_per_byte_{path.stem}"


def competence_table(study: Study) -> Path:
    """Tell where the table of competence of a study is, or would be.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Path
        What ``[competence]`` names, or ``competence.tsv`` beside the study file.
    """
    name = study.competence.table if study.competence else "competence.tsv"
    return Path(study.folder) / name


def measure_competence(
    study: Study,
    measures: Measures,
    *,
    table: Path | None = None,
    only: Sequence[str] = (),
    again: bool = False,
    device: str = "cpu",
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Measure the competence of every language model of a study that has no value yet.

    The table is written after every model, so that a killed run goes on where it was. Its other
    columns and rows stay as they are.

    Parameters
    ----------
    study : Study
    measures : Measures
    table : Path, optional
        Default: `competence_table`.
    only : sequence of str
        Names or groups of feature sets; default all language models.
    again : bool
        Also measure where there is a value already.
    device : str
        "cpu" or "cuda".
    say : callable
        Told what was measured.

    Returns
    -------
    Path
        The table.

    Raises
    ------
    InputError
        With all that is wrong with study, texts or tasks, before any model is loaded.
    """
    from hemiscale.models import load_model

    path = table or competence_table(study)
    features = [f for f in choose(plan_study(study), only) if f.is_language_model]
    if not features:
        raise InputError(f"study {study.name}: there is no language model to measure.")
    _check_columns(measures.columns)
    features, missing = available(features)
    features, too_large = that_fit(study, features, [_WORDS])
    for sentence in [*missing.values(), *too_large.values()]:
        say(sentence)
    rows = _Rows(path)
    steps = _steps(study, measures)
    for feature in features:
        todo = [
            (columns, measure)
            for columns, measure in steps
            if again or not all(rows.has(feature.name, column) for column in columns)
        ]
        if not todo:
            say(f"{feature.name}: all is there.")
            continue
        model, tokenizer = load_model(
            feature.source,
            untrained=feature.seed if feature.kind == "untrained" else None,
            tokenizer=feature.tokenizer,
            device=device,
            dtype=feature.dtype,
            device_map=feature.device_map,
            quantisation=feature.quantisation,
        )
        for _, measure in todo:
            for column, value in measure(model, tokenizer).items():
                rows.put(feature.name, column, value)
                say(f"{feature.name}: {column} = {value:.4g}")
        rows.write()
    return path


def _check_columns(columns: Sequence[str]) -> None:
    if not columns:
        raise InputError("there is nothing to measure; name a task, a text, or the stimulus.")
    problems = [
        f"{column!r} is a column of models.tsv already; a task or text cannot be called so."
        for column in columns
        if column in COLUMNS["models.tsv"]
    ]
    twice = sorted({column for column in columns if columns.count(column) > 1})
    problems += [f"{column!r} would be measured twice; rename a text." for column in twice]
    if problems:
        raise InputError(*problems)


def _steps(study: Study, measures: Measures) -> list[tuple[list[str], Measure]]:
    """Read all inputs; list columns and the functions that give them."""
    from hemiscale.stimulus import read_text

    problems: list[str] = []
    steps: list[tuple[list[str], Measure]] = []
    if measures.stimulus:
        found = read_stories(study, problems, [])
        stories = [story for story in found if story is not None]
        steps.append((["bits_per_byte_stimulus"], _of_stimulus(study, stories)))
    for column, path in measures.text_columns.items():
        try:
            steps.append(([column], _of_text(study, column, read_text(path))))
        except InputError as error:
            problems += error.problems
    if measures.tasks:
        from hemiscale.models.competence import Harness

        try:
            harness = Harness(measures.tasks, task_folder=measures.task_folder)
            harness.fetch_data()
            steps.append(([*measures.task_columns], _of_tasks(harness, measures)))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    return steps


def _of_stimulus(study: Study, stories: Iterable[Story]) -> Measure:
    def measure(model: Any, tokenizer: Any) -> dict[str, float]:
        from hemiscale.models import read_stories as read_all

        options = study.activations
        runs = [(story.text, story.spans) for story in stories]
        nats, n_bytes = 0.0, 0
        for read in read_all(
            model,
            tokenizer,
            [text for text, _ in runs],
            [spans for _, spans in runs],
            context=options.context,
            step=options.step,
            bos=options.bos,
            layers=[0],
        ):
            nats -= float(np.nansum(read.token_log_probabilities))
            n_bytes += read.n_bytes
        return {"bits_per_byte_stimulus": nats / np.log(2) / n_bytes}

    return measure


def _of_text(study: Study, column: str, text: str) -> Measure:
    def measure(model: Any, tokenizer: Any) -> dict[str, float]:
        from hemiscale.models.competence import bits_per_byte

        return {column: bits_per_byte(model, tokenizer, text, context=study.activations.context)}

    return measure


def _of_tasks(harness: Harness, measures: Measures) -> Measure:
    def measure(model: Any, tokenizer: Any) -> dict[str, float]:
        scores = harness.score(model, tokenizer, limit=measures.limit)
        return {column: scores[task] for column, task in measures.task_columns.items()}

    return measure


class _Rows:
    """The cells of the table, those of the user among them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._delimiter = "," if path.suffix == ".csv" else "\t"
        self._names, self._rows = ["model"], list[list[str]]()
        if path.exists():
            rows, self._delimiter = read_cells(path)
            if not rows or "model" not in rows[0]:
                raise InputError(f"{path}, row 1: expected a column 'model'.")
            self._names, self._rows = rows[0], rows[1:]

    def _row(self, model: str) -> list[str] | None:
        at = self._names.index("model")
        return next((row for row in self._rows if row[at : at + 1] == [model]), None)

    def has(self, model: str, column: str) -> bool:
        row = self._row(model)
        if row is None or column not in self._names:
            return False
        cell = row[self._names.index(column) :][:1]
        return bool(cell and cell[0].strip())

    def put(self, model: str, column: str, value: float) -> None:
        if column not in self._names:
            self._names.append(column)
        row = self._row(model)
        if row is None:
            row = [model if name == "model" else "" for name in self._names]
            self._rows.append(row)
        row += [""] * (len(self._names) - len(row))
        row[self._names.index(column)] = f"{value:.6g}"

    def write(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self._delimiter, lineterminator="\n")
        writer.writerow(self._names)
        for row in self._rows:
            if any(cell.strip() for cell in row):
                writer.writerow([*row, *[""] * (len(self._names) - len(row))])
        write_text(self._path, text.getvalue())
