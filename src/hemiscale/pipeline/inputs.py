"""Read everything a study names, and say all that is wrong with it at once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.pipeline.plan import FeatureSet, plan_study
from hemiscale.study import Study

__all__ = ["Run", "StudyInputs", "available", "check_study", "read_inputs"]


@dataclass(frozen=True)
class Run:
    """One run of the story.

    Attributes
    ----------
    words : DataFrame
        Columns ``word``, ``onset``, ``offset`` (seconds from the first scan).
    text : str
        What the models read.
    spans : (n_words, 2) int array
        Characters of `text` that belong to each word.
    time_courses : dict of (n_scans, n_regions) arrays
        By subject, raw.
    """

    words: pd.DataFrame
    text: str
    spans: np.ndarray
    time_courses: dict[str, np.ndarray]

    @property
    def n_scans(self) -> int:
        """Scans of the run."""
        return len(next(iter(self.time_courses.values())))


@dataclass(frozen=True)
class StudyInputs:
    """All inputs of a study, read and checked.

    Attributes
    ----------
    runs : list of Run
    notices : list of str
        What is worth knowing but stops nothing.
    diagnostics : dict
        Alignment, scans and motion, for the report.
    """

    runs: list[Run]
    notices: list[str] = field(default_factory=list)
    diagnostics: dict[str, Any] = field(default_factory=dict)


def check_study(study: Study) -> list[str]:
    """Read all inputs of a study and look for its models; compute nothing.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of str
        What is worth knowing but stops nothing.

    Raises
    ------
    InputError
        With all that is wrong, one sentence each.
    """
    problems: list[str] = []
    notices: list[str] = []
    with _collect(problems):
        notices += read_inputs(study).notices
    with _collect(problems):
        _, missing = available(plan_study(study))
        notices += missing.values()
    if problems:
        raise InputError(*problems)
    return notices


def available(features: list[FeatureSet]) -> tuple[list[FeatureSet], dict[str, str]]:
    """Tell which feature sets can be computed here and now.

    Parameters
    ----------
    features : list of FeatureSet

    Returns
    -------
    ready : list of FeatureSet
    missing : dict
        For each optional feature set that cannot be had, by name, what to do to have it.

    Raises
    ------
    InputError
        Where a feature set that is not optional cannot be had.
    """
    from hemiscale.models import availability

    ready, missing, problems = [], {}, []
    for feature in features:
        needs_source = feature.is_language_model or feature.kind == "static embedding"
        reason = availability(feature.source) if needs_source else None
        if reason is None:
            ready.append(feature)
        elif feature.optional:
            missing[feature.name] = reason
        else:
            problems.append(reason)
    if problems:
        raise InputError(*dict.fromkeys(problems))
    return ready, missing


def read_inputs(study: Study) -> StudyInputs:
    """Read and check words, texts and recordings.

    Parameters
    ----------
    study : Study

    Returns
    -------
    StudyInputs

    Raises
    ------
    InputError
        With all that is wrong, one sentence each.
    """
    problems: list[str] = []
    notices: list[str] = []
    runs: list[Run] = []
    alignment = []
    folder = Path(study.folder)
    for number, (words_file, text_file) in enumerate(
        zip(study.stimulus.words, study.stimulus.text, strict=True), start=1
    ):
        time_courses = _read_time_courses(study, number, problems)
        story = _read_story(folder / words_file, folder / text_file, problems, notices)
        if story is None or not time_courses:
            continue
        words, text, spans, doubtful = story
        run = Run(words, text, spans, time_courses)
        _check_timing(study, number, folder / words_file, run, problems, notices)
        runs.append(run)
        alignment.append({"run": number, "n_words": len(words), "doubtful": doubtful})
    if problems:
        raise InputError(*problems)
    diagnostics = {
        "alignment": alignment,
        "scans": [{"run": k, "scans": run.n_scans} for k, run in enumerate(runs, start=1)],
        "excluded": [entry.model_dump() for entry in study.recordings.excluded],
        "motion": _read_motion(study, notices),
        "notices": notices,
    }
    return StudyInputs(runs, notices, diagnostics)


@contextmanager
def _collect(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        problems += error.problems


def _read_story(
    words_file: Path, text_file: Path, problems: list[str], notices: list[str]
) -> tuple[pd.DataFrame, str, np.ndarray, list[dict[str, Any]]] | None:
    from hemiscale.stimulus import align_words, doubtful_words, read_text, read_words

    words = text = None
    with _collect(problems):
        words = read_words(words_file)
    with _collect(problems):
        text = read_text(text_file)
    if words is None or text is None:
        return None
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", HemiscaleWarning)
            spans = align_words(list(words["word"]), text)
    except (InputError, ValueError) as error:
        problems.append(f"{words_file} and {text_file}: {error}")
        return None
    notices += [f"{words_file}: {warning.message}" for warning in caught]
    doubtful = doubtful_words(list(words["word"]), text, spans)
    return (
        words,
        text,
        spans,
        [dict(vars(word)) if hasattr(word, "__dict__") else dict(word) for word in doubtful],
    )


def _read_time_courses(study: Study, number: int, problems: list[str]) -> dict[str, np.ndarray]:
    from hemiscale.brain import read_region_table

    recordings = study.recordings
    names = [region.name for region in recordings.regions]
    time_courses: dict[str, np.ndarray] = {}
    lengths: dict[int, list[str]] = {}
    for subject in recordings.subjects:
        path = Path(study.folder) / recordings.files.format(subject=subject, run=number)
        with _collect(problems):
            time_courses[subject] = read_region_table(path, names)
            lengths.setdefault(len(time_courses[subject]), []).append(subject)
    if len(lengths) > 1:
        usual = max(lengths, key=lambda n: len(lengths[n]))
        for n_scans, subjects in sorted(lengths.items()):
            if n_scans != usual:
                problems.append(
                    f"run {number}: {', '.join(subjects)} have {n_scans} scans where the others "
                    f"have {usual}; all subjects must have the same scans."
                )
    return time_courses


def _check_timing(
    study: Study,
    number: int,
    words_file: Path,
    run: Run,
    problems: list[str],
    notices: list[str],
) -> None:
    design = study.design
    seconds = run.n_scans * study.recordings.t_r
    last = float(run.words["offset"].max())
    if float(run.words["onset"].min()) >= seconds:
        problems.append(
            f"{words_file}: the first word starts after the last scan of run {number} "
            f"({seconds:g} s); are the times in seconds from the first scan?"
        )
        return
    if last > seconds:
        late = int((run.words["onset"] >= seconds).sum())
        notices.append(
            f"{words_file}: the last word ends at {last:.1f} s, after the last scan of run "
            f"{number} ({seconds:g} s); {late} word(s) start after it and reach no scan."
        )
    if last < seconds / 2:
        problems.append(
            f"{words_file}: the last word ends at {last:.1f} s but run {number} lasts "
            f"{seconds:g} s; are the times in seconds, and is this the right run?"
        )
    dropped = 2 * design.trim + (design.blocks - 1) * design.gap
    left = (seconds - dropped) / design.blocks / study.recordings.t_r
    if left < 10:
        problems.append(
            f"run {number}: {design.blocks} block(s) with {design.trim:g} s trimmed and "
            f"{design.gap:g} s at each seam leave {max(left, 0):.0f} scans a block where at "
            "least 10 are needed; use fewer blocks or a shorter gap."
        )


def _read_motion(study: Study, notices: list[str]) -> list[dict[str, Any]]:
    from hemiscale.brain import framewise_displacement, read_motion

    motion = study.recordings.motion
    if motion is None:
        return []
    rows = []
    for subject in study.recordings.subjects:
        pattern = motion.files.format(subject=subject, run=1)
        found = sorted(Path(study.folder).glob(pattern))
        if len(found) != 1:
            notices.append(f"{pattern}: {len(found)} files of motion parameters where 1 is meant.")
            continue
        try:
            displacement = framewise_displacement(read_motion(found[0], skip_rows=motion.skip_rows))
        except InputError as error:
            notices += error.problems
            continue
        rows.append(
            {
                "subject": subject,
                "mean_displacement_mm": float(displacement.mean()),
                "max_displacement_mm": float(displacement.max()),
                "scans_above_half_mm": int((displacement > 0.5).sum()),
            }
        )
    return rows
