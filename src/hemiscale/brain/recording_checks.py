"""Do the recordings fit the story, each other and the mask? One sentence for each that does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.brain.grids import Grid, voxel_coordinates
from hemiscale.brain.recordings import Recording

if TYPE_CHECKING:
    from hemiscale.brain.surface_recordings import SurfaceRecording

    Described = Recording | SurfaceRecording

__all__ = ["check_recordings", "check_runs", "swapped_runs"]

T_R_TOLERANCE = 0.005  # seconds
MOST_OUTSIDE = 0.02  # share of the mask that may lie outside an image


def check_recordings(
    recordings: Sequence[Recording],
    *,
    n_runs: int,
    t_r: float | None = None,
    story_ends: Sequence[float] | None = None,
    mask_img: Any | None = None,
) -> list[str]:
    """Find what is wrong with a set of recordings, before anything is computed.

    Parameters
    ----------
    recordings : sequence of Recording
        All subjects and runs.
    n_runs : int
        Runs of the story.
    t_r : float, optional
        Seconds between scans that the study states.
    story_ends : sequence of float, optional
        For each run, when its last word ends (seconds from the first scan).
    mask_img : Niimg-like, optional
        The mask of the analysis.

    Returns
    -------
    list of str
        One sentence per problem, empty where all is well.
    """
    problems = check_runs(recordings, n_runs=n_runs, t_r=t_r, story_ends=story_ends)
    problems += _unequal_grids(recordings)
    if mask_img is not None:
        problems += _outside_mask(recordings, mask_img)
    return problems


def check_runs(
    recordings: Sequence[Described],
    *,
    n_runs: int,
    t_r: float | None = None,
    story_ends: Sequence[float] | None = None,
) -> list[str]:
    """Find what is wrong with runs, scans and TR, of volumes or of surfaces.

    Parameters
    ----------
    recordings : sequence of Described
        All subjects and runs.
    n_runs, t_r, story_ends
        As in `check_recordings`.

    Returns
    -------
    list of str
        One sentence per problem.
    """
    problems = [doubt for recording in recordings for doubt in recording.doubts]
    problems += _missing_runs(recordings, n_runs)
    problems += _unequal_lengths(recordings)
    if t_r is not None:
        problems += _wrong_t_r(recordings, t_r)
    if story_ends is not None:
        problems += _too_short(recordings, story_ends, t_r)
    return problems


def _missing_runs(recordings: Sequence[Described], n_runs: int) -> list[str]:
    problems = []
    for subject in dict.fromkeys(r.subject for r in recordings):
        runs = Counter(r.run for r in recordings if r.subject == subject)
        missing = [str(run) for run in range(1, n_runs + 1) if run not in runs]
        beyond = [str(run) for run in sorted(runs) if not 1 <= run <= n_runs]
        twice = [str(run) for run, times in sorted(runs.items()) if times > 1]
        if missing:
            problems.append(
                f"{subject}: run {', '.join(missing)} is missing (the story has {n_runs} runs)."
            )
        if beyond:
            problems.append(
                f"{subject}: has run {', '.join(beyond)} but the story has only {n_runs} runs."
            )
        if twice:
            problems.append(f"{subject}: run {', '.join(twice)} is there more than once.")
    return problems


def _unequal_lengths(recordings: Sequence[Described]) -> list[str]:
    problems = []
    for run in sorted({r.run for r in recordings}):
        here = [r for r in recordings if r.run == run]
        usual = _usual([r.n_scans for r in here])
        problems += [
            f"{r.path}: run {run} of {r.subject} has {r.n_scans} scans where most have {usual}."
            for r in here
            if r.n_scans != usual
        ]
    return problems


def _wrong_t_r(recordings: Sequence[Described], t_r: float) -> list[str]:
    return [
        f"{r.path}: the {r.t_r_source} gives a TR of {r.t_r:g} s where the study states {t_r:g} s."
        for r in recordings
        if r.t_r is not None and abs(r.t_r - t_r) > T_R_TOLERANCE
    ]


def _too_short(
    recordings: Sequence[Described], story_ends: Sequence[float], t_r: float | None
) -> list[str]:
    problems = []
    for r in recordings:
        seconds = t_r if t_r is not None else r.t_r
        if seconds is None or not 1 <= r.run <= len(story_ends):
            continue
        lasts, ends = r.n_scans * seconds, story_ends[r.run - 1]
        if lasts + seconds < ends:  # the last word may reach into the scan after the last
            fits = [str(k) for k, end in enumerate(story_ends, start=1) if 0 <= lasts - end <= 30]
            hint = f" it would fit the story of run {' or '.join(fits)};" if fits else ""
            problems.append(
                f"{r.path}: run {r.run} of {r.subject} lasts {lasts:g} s ({r.n_scans} scans) but "
                f"its story ends at {ends:.1f} s;{hint} is a run missing, cut off or swapped?"
            )
    return problems


def _unequal_grids(recordings: Sequence[Recording]) -> list[str]:
    usual = _usual([r.grid for r in recordings])
    if usual is None:
        return []
    problems = []
    for r in recordings:
        if r.grid.matches(usual):
            continue
        if str(r.grid) != str(usual):
            how = f"{r.grid} where most have {usual}"
        elif np.sign(np.linalg.det(r.grid.matrix[:3, :3])) != np.sign(
            np.linalg.det(usual.matrix[:3, :3])
        ):
            how = "stored from right to left where most go from left to right, or the reverse"
        else:
            how = "the same voxels, but placed or turned differently"
        problems.append(f"{r.path}: run {r.run} of {r.subject} has another grid: {how}.")
    return problems


def _outside_mask(recordings: Sequence[Recording], mask_img: Any) -> list[str]:
    world = voxel_coordinates(mask_img)
    share: dict[Grid, float] = {}
    problems = []
    for r in recordings:
        if r.grid not in share:
            matrix = r.grid.matrix
            voxels = (world - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
            inside = (voxels >= -0.5) & (voxels <= np.array(r.grid.shape) - 0.5)
            share[r.grid] = 1 - float(inside.all(axis=1).mean())
        if share[r.grid] > MOST_OUTSIDE:
            problems.append(
                f"{r.path}: {share[r.grid]:.0%} of the mask lies outside this image; "
                "the mask is in another space."
            )
    return problems


def _usual(values: Sequence[Any]) -> Any:
    return Counter(values).most_common(1)[0][0] if values else None


def swapped_runs(
    time_courses: Sequence[np.ndarray], word_rates: Sequence[np.ndarray], *, margin: float = 0.1
) -> list[str]:
    """Find runs whose scans follow the word rate of another run better than that of their own.

    Parameters
    ----------
    time_courses : sequence over runs of (n_scans_r, n_targets) arrays
        Cleaned, of regions or voxels that respond to speech, or of all; they are averaged after
        each is signed and weighted by its correlation with the word rate over all runs but its own.
    word_rates : sequence over runs of (m_r,) arrays
        Words convolved with the HRF, at the scans of the run of that story.
    margin : float
        By how much the correlation with another run's word rate must be higher.

    Returns
    -------
    list of str
        One sentence per doubtful run. Runs are compared over the scans that both have.

    Raises
    ------
    ValueError
        Where the numbers of runs differ.
    """
    if len(time_courses) != len(word_rates):
        raise ValueError(
            f"{len(time_courses)} runs of time courses but {len(word_rates)} of word rates"
        )
    sums = [_correlations(y, x) for y, x in zip(time_courses, word_rates, strict=True)]
    doubts = []
    for k, own in enumerate(time_courses):
        others = [s for j, s in enumerate(sums) if j != k]
        weights = np.mean(others, axis=0) if others else sums[k]
        signal = (np.asarray(own, dtype=np.float64) @ weights)[:, None]
        fits = [float(_correlations(signal, rate)[0]) for rate in word_rates]
        best = int(np.argmax(fits))
        if best != k and fits[best] > fits[k] + margin:
            doubts.append(
                f"run {k + 1}: its scans follow the words of run {best + 1} (r = {fits[best]:.2f}) "
                f"rather than its own (r = {fits[k]:.2f}); are the runs swapped?"
            )
    return doubts


def _correlations(targets: np.ndarray, rate: np.ndarray) -> np.ndarray:
    n_scans = min(len(targets), len(rate))
    y = np.asarray(targets[:n_scans], dtype=np.float64)
    x = np.asarray(rate[:n_scans], dtype=np.float64)
    y, x = y - y.mean(axis=0), x - x.mean()
    norm = np.linalg.norm(y, axis=0) * np.linalg.norm(x)
    product = x @ y
    return np.asarray(np.divide(product, norm, out=np.zeros_like(product), where=norm > 0))
