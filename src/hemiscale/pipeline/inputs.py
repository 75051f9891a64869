"""Read everything a study names, and say all that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hemiscale.errors import InputError
from hemiscale.pipeline.competence import read_competence
from hemiscale.pipeline.costs import describe_costs
from hemiscale.pipeline.fetching import can_be_fetched
from hemiscale.pipeline.named_files import named_files
from hemiscale.pipeline.plan import FeatureSet, plan_study
from hemiscale.pipeline.region_inputs import motion_summary, read_time_courses
from hemiscale.pipeline.stories import Story, collect, read_stories
from hemiscale.pipeline.surface_inputs import find_surfaces, unreadable_surfaces
from hemiscale.pipeline.unchanged import FileStates, file_states
from hemiscale.pipeline.volume_inputs import find_volumes, unreadable_values
from hemiscale.study import RegionTables, Study, SurfaceFiles, Volumes

if TYPE_CHECKING:
    from hemiscale.brain import Recording, SurfaceRecording

__all__ = ["Run", "StudyInputs", "available", "check_study", "read_inputs"]

# From so many runs on, one can be left out to test and another to choose the penalty.
_ENOUGH_RUNS = 3


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
    n_scans : int
        Scans of the run.
    time_courses : dict of (n_scans, n_regions) arrays
        By subject, raw; empty where the recordings are volumes or surfaces, which stay on disk.
    """

    words: pd.DataFrame
    text: str
    spans: np.ndarray
    n_scans: int
    time_courses: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class StudyInputs:
    """All inputs of a study, read and checked.

    Attributes
    ----------
    runs : list of Run
    t_r : float
        Seconds between scans.
    subjects : list of str
        The listeners; "average" alone where the recordings are those of an average subject.
    recordings : list of Recording
        Where the recordings are volumes: what their headers say, subject by subject.
    surfaces : list of SurfaceRecording
        Where they are on the surface, likewise.
    confounds : dict
        (n_scans, n_confounds) arrays by path of the recording.
    notices : list of str
        What is worth knowing but stops nothing.
    diagnostics : dict
        Alignment, scans and motion, for the report.
    states : FileStates
        Of the files that the study names, before any of them was read.
    """

    runs: list[Run]
    t_r: float
    subjects: list[str]
    recordings: list[Recording] = field(default_factory=list)
    surfaces: list[SurfaceRecording] = field(default_factory=list)
    confounds: dict[Path, np.ndarray] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    diagnostics: dict[str, Any] = field(default_factory=dict)
    states: FileStates = field(default_factory=dict)


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
    n_words: list[int] = []
    with collect(problems):
        inputs = read_inputs(study, values=True)
        notices += inputs.notices
        n_words = [len(run.words) for run in inputs.runs]
    with collect(problems):
        features = plan_study(study)
        if n_words:
            costs, too_large = describe_costs(study, features, n_words)
            notices += costs
            optional = {feature.name for feature in features if feature.optional}
            for name, sentence in too_large.items():
                (notices if name in optional else problems).append(sentence)
        notices += available(features)[1].values()
        read_competence(study, [feature.name for feature in features])
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
        needs_source = feature.reads_story or feature.kind == "static embedding"
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


def read_inputs(study: Study, *, values: bool = False) -> StudyInputs:
    """Read and check words, texts and recordings.

    Parameters
    ----------
    study : Study
    values : bool
        Also read all values of volumes and surfaces; otherwise only their headers, the values
        being checked when they are prepared.

    Returns
    -------
    StudyInputs

    Raises
    ------
    InputError
        With all that is wrong, one sentence each.
    """
    states = file_states(named_files(study))
    problems: list[str] = []
    notices: list[str] = []
    stories = read_stories(study, problems, notices)
    recordings = study.recordings
    inputs: StudyInputs | None
    if isinstance(recordings, RegionTables):
        inputs = _with_tables(study, recordings, stories, problems, notices)
    elif isinstance(recordings, SurfaceFiles):
        inputs = _with_surfaces(study, recordings, stories, problems, notices, values)
    else:
        inputs = _with_volumes(study, recordings, stories, problems, notices, values)
    problems += _too_few_runs(study)
    if problems or inputs is None:
        problems = list(dict.fromkeys(problems))
        if can_be_fetched(study) and any("there is no such" in problem for problem in problems):
            problems.append(
                f"study {study.name}: what is missing can be had by hemiscale fetch, "
                "with the name of the study file."
            )
        raise InputError(*problems)
    inputs.states.update(states)
    inputs.diagnostics.update(
        {
            "alignment": [
                {"run": k, "n_words": len(story.words), "doubtful": story.doubtful}
                for k, story in enumerate(stories, start=1)
                if story is not None
            ],
            "scans": [{"run": k, "scans": r.n_scans} for k, r in enumerate(inputs.runs, start=1)],
            "excluded": [entry.model_dump() for entry in recordings.excluded],
            "motion": motion_summary(study, inputs.subjects, notices),
            "notices": notices,
        }
    )
    return inputs


def _with_tables(
    study: Study,
    recordings: RegionTables,
    stories: list[Story | None],
    problems: list[str],
    notices: list[str],
) -> StudyInputs:
    runs = []
    for number, story in enumerate(stories, start=1):
        time_courses = read_time_courses(study, recordings, number, problems)
        if story is None or not time_courses:
            continue
        n_scans = len(next(iter(time_courses.values())))
        _check_timing(study, number, story, n_scans, recordings.t_r, problems, notices)
        runs.append(Run(story.words, story.text, story.spans, n_scans, time_courses))
    return StudyInputs(runs, recordings.t_r, list(recordings.subjects), notices=notices)


def _with_volumes(
    study: Study,
    recordings: Volumes,
    stories: list[Story | None],
    problems: list[str],
    notices: list[str],
    values: bool,
) -> StudyInputs | None:
    found = find_volumes(study, recordings, _story_ends(stories), problems)
    if found is None:
        return None
    if values and not problems:
        problems += unreadable_values(study, recordings, found)
    described = found.recordings
    runs = _runs(study, stories, described, found.t_r, problems, notices)
    subjects = list(dict.fromkeys(recording.subject for recording in described))
    return StudyInputs(
        runs, found.t_r, subjects, described, confounds=found.confounds, notices=notices
    )


def _with_surfaces(
    study: Study,
    recordings: SurfaceFiles,
    stories: list[Story | None],
    problems: list[str],
    notices: list[str],
    values: bool,
) -> StudyInputs | None:
    found = find_surfaces(study, recordings, _story_ends(stories), problems)
    if found is None:
        return None
    if values and not problems:
        problems += unreadable_surfaces(found)
    described = found.recordings
    runs = _runs(study, stories, described, found.t_r, problems, notices)
    subjects = list(dict.fromkeys(recording.subject for recording in described))
    return StudyInputs(
        runs,
        found.t_r,
        subjects,
        surfaces=described,
        confounds=found.confounds,
        notices=notices,
    )


def _story_ends(stories: list[Story | None]) -> list[float] | None:
    """Tell when each story ends; None where one has problems of its own."""
    ends = [float(story.words["offset"].max()) for story in stories if story is not None]
    return ends if len(ends) == len(stories) else None


def _runs(
    study: Study,
    stories: list[Story | None],
    described: Sequence[Recording | SurfaceRecording],
    t_r: float,
    problems: list[str],
    notices: list[str],
) -> list[Run]:
    runs = []
    for number, story in enumerate(stories, start=1):
        lengths = {r.n_scans for r in described if r.run == number}
        if story is None or len(lengths) != 1:
            continue
        n_scans = lengths.pop()
        if not problems:
            _check_timing(study, number, story, n_scans, t_r, problems, notices)
        runs.append(Run(story.words, story.text, story.spans, n_scans))
    n_blocks = study.design.blocks
    if len(runs) >= _ENOUGH_RUNS and n_blocks > 1:
        notices.append(
            f"design.blocks cuts each of the {len(runs)} runs into {n_blocks} blocks, so that "
            "training and test scans come from the same runs; without design.blocks one run at a "
            "time is left out."
        )
    return runs


def _too_few_runs(study: Study) -> list[str]:
    """Say so where cross-validation has too few runs or blocks."""
    n_runs, n_blocks = study.stimulus.n_runs, study.design.blocks
    if n_runs * n_blocks >= _ENOUGH_RUNS:
        return []
    runs = "one run" if n_runs == 1 else f"{n_runs} runs"
    blocks = "" if n_blocks == 1 else f" of {n_blocks} blocks"
    return [
        f"study {study.name}: has {runs}{blocks} where at least {_ENOUGH_RUNS} runs or blocks are "
        "needed (one to test, one to choose the penalty, one to fit); cut each run into blocks: "
        f"under [design], blocks = {-(-_ENOUGH_RUNS // n_runs)} or more."
    ]


def _check_timing(
    study: Study,
    number: int,
    story: Story,
    n_scans: int,
    t_r: float,
    problems: list[str],
    notices: list[str],
) -> None:
    design = study.design
    seconds = n_scans * t_r
    last = float(story.words["offset"].max())
    if float(story.words["onset"].min()) >= seconds:
        problems.append(
            f"{story.source}: the first word starts after the last scan of run {number} "
            f"({seconds:g} s); are the times in seconds from the first scan?"
        )
        return
    if last > seconds:
        late = int((story.words["onset"] >= seconds).sum())
        notices.append(
            f"{story.source}: the last word ends at {last:.1f} s, after the last scan of run "
            f"{number} ({seconds:g} s); {late} word(s) start after it and reach no scan."
        )
    if last < seconds / 2:
        problems.append(
            f"{story.source}: the last word ends at {last:.1f} s but run {number} lasts "
            f"{seconds:g} s; are the times in seconds, and is this the right run?"
        )
    dropped = 2 * design.trim + (design.blocks - 1) * design.gap
    left = (seconds - dropped) / design.blocks / t_r
    if left < 10:
        problems.append(
            f"run {number}: {design.blocks} block(s) with {design.trim:g} s trimmed and "
            f"{design.gap:g} s at each seam leave {max(left, 0):.0f} scans a block where at "
            "least 10 are needed; use fewer blocks or a shorter gap."
        )
