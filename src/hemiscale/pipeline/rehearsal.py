"""A dress rehearsal: the English Petit Prince with simulated listeners, written as it is shared.

Layout, names, grid, run lengths and word timings are the real ones; the scans are made from the
activations of the ladder models, with a planted law. Everything is marked as simulated.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import HemiscaleError, HemiscaleWarning, InputError
from hemiscale.results import write_atomically, write_dataset, write_json, write_text

if TYPE_CHECKING:
    import xarray as xr

    from hemiscale.simulation import SimulatedBrain

__all__ = ["LADDER", "Rehearsal", "write_rehearsal"]

LADDER = ("austen-0.1m", "austen-0.4m", "austen-1.1m", "austen-4m")
SIMULATED = "SIMULATED by hemiscale, not recorded"

# With few listeners each is the cleaner, so that their average is as reliable as that of 49.
REAL_LISTENERS = 49
SHARE_AT_PEAK, SHARE_FAR = 0.06, 0.005
PAIRS = 3000  # a sample of the homologous pairs, on which is measured what can be found
FIRST_RUN = 15  # the data set's run numbers start there for some listeners

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Rehearsal:
    """What was written.

    Attributes
    ----------
    study : Path
        The study file.
    planted : Path
        netCDF with what is planted, to compare results with.
    n_runs, n_voxels, n_listeners : int
    """

    study: Path
    planted: Path
    n_runs: int
    n_voxels: int
    n_listeners: int


def write_rehearsal(
    folder: Path,
    *,
    n_listeners: int = 3,
    small: bool = False,
    models: Sequence[str] = LADDER,
    seed: int = 0,
    progress: Progress | None = None,
) -> Rehearsal:
    """Write a data set of simulated listeners, and the study that runs on it.

    Parameters
    ----------
    folder : Path
        Made if need be; must not hold a study file yet.
    n_listeners : int
        At least two, for the ceiling.
    small : bool
        Three runs and a grid of 8 mm instead of nine runs and 4 mm.
    models : sequence of str
        Ladder models from whose activations the scans are made.
    seed : int
        The same seed gives the same files.
    progress : callable, optional
        Called with a line for each step.

    Returns
    -------
    Rehearsal

    Raises
    ------
    InputError
        Where the folder has a study file already, or there are too few listeners.
    HemiscaleError
        Where the folder cannot be written.
    """
    from hemiscale.datasets.petit_prince import SCANS, T_R, petit_prince_words

    say = progress or (lambda line: None)
    if n_listeners < 2:
        raise InputError(f"{n_listeners} listener(s) asked for; the ceiling needs at least two.")
    study = folder / "study.toml"
    if study.exists():
        raise InputError(f"{study} is there already; choose another folder.")
    scans = SCANS["en"][: 3 if small else 9]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HemiscaleError(f"{folder}: cannot be written ({error.strerror}).") from None
    data = folder / "ds003643"
    write_text(
        data / "annotation/EN/lppEN_word_information.csv",
        petit_prince_words().read_text(encoding="utf-8"),
    )
    mask = _mask(folder, small)
    features, sizes = _features(models, scans, T_R, say)
    brain = _brain(features, sizes, mask, n_listeners, T_R, seed)
    listeners = [f"EN{57 + k:03d}" for k in range(n_listeners)]
    _write_descriptions(folder, data, listeners, T_R)
    for run, n_scans in enumerate(scans):
        signal = brain.signal(run)
        for k, listener in enumerate(listeners):
            # Listeners' runs are numbered from where the scanner stood: in order, not from one.
            number = (FIRST_RUN if k == 0 else 1 + k) + run + (1 if run > 4 else 0)
            stem = f"sub-{listener}_task-lppEN_run-{number}_space-MNIColin27_desc-preproc_bold"
            path = data / "derivatives" / f"sub-{listener}" / "func" / f"{stem}.nii.gz"
            _write_scans(path, brain.bold(k, run, signal=signal), mask, T_R)
            sidecar = {"TaskName": "lppEN", "RepetitionTime": T_R, "Simulated": SIMULATED}
            write_json(path.with_name(f"{stem}.json"), sidecar)
        say(f"run {run + 1} of {len(scans)}: {n_scans} scans of {n_listeners} listeners")
    planted = folder / "planted.nc"
    write_dataset(planted, _planted(brain, features, mask, seed))
    say("measured on other recordings of the same brains what ridge regression finds of the law")
    # The study last: it is the sign that the data set is whole.
    write_text(study, _study(len(scans), models, small, n_listeners))
    n_voxels = int(np.count_nonzero(np.asarray(mask.dataobj)))
    return Rehearsal(study, planted, len(scans), n_voxels, n_listeners)


def _mask(folder: Path, small: bool) -> Any:
    from hemiscale.brain import read_mask, resample_mask, symmetric_grid, symmetric_mask
    from hemiscale.datasets import petit_prince_mask

    mask = read_mask(petit_prince_mask())
    if not small:
        return mask
    coarse = resample_mask(mask, symmetric_grid(mask, voxel_size=8.0))
    mask, _ = symmetric_mask(coarse)
    _write_image(folder / "mask.nii.gz", mask, "mask for SIMULATED recordings")
    return mask


def _features(
    models: Sequence[str], scans: Sequence[int], t_r: float, say: Progress
) -> tuple[dict[str, list[np.ndarray]], dict[str, float]]:
    """Design @ activations of one layer, two thirds up, of each model; and parameters."""
    from hemiscale.datasets.petit_prince import petit_prince_words
    from hemiscale.encoding import hrf_design
    from hemiscale.models import load_model, read_story
    from hemiscale.pipeline.stories import joined_words
    from hemiscale.stimulus import read_words

    with warnings.catch_warnings():
        # What is odd in the word table is told when the study reads it.
        warnings.simplefilter("ignore", HemiscaleWarning)
        runs = [read_words(petit_prince_words(), section=run + 1) for run in range(len(scans))]
    designs = [
        hrf_design(w["onset"].to_numpy(), (w["offset"] - w["onset"]).to_numpy(), n, t_r)
        for w, n in zip(runs, scans, strict=True)
    ]
    features: dict[str, list[np.ndarray]] = {}
    sizes: dict[str, float] = {}
    for name in models:
        model, tokenizer = load_model(name)
        sizes[name] = float(sum(parameter.numel() for parameter in model.parameters()))
        layer = round(2 / 3 * model.config.num_hidden_layers)
        features[name] = []
        for words, design in zip(runs, designs, strict=True):
            text, spans = joined_words(list(words["word"]))
            story = read_story(model, tokenizer, text, spans, layers=[layer])
            features[name].append(design @ story.activations[0].astype(np.float64))
        say(f"{name}: read {len(runs)} runs, layer {layer} is planted")
    return features, sizes


def _brain(
    features: dict[str, list[np.ndarray]],
    sizes: dict[str, float],
    mask: Any,
    n_listeners: int,
    t_r: float,
    seed: int,
) -> SimulatedBrain:
    from hemiscale.brain import homologous_voxels, voxel_coordinates
    from hemiscale.simulation import simulate_bold
    from hemiscale.simulation.planting import language_weights

    coordinates = voxel_coordinates(mask)
    weights = language_weights(coordinates)
    share = SHARE_FAR + (SHARE_AT_PEAK - SHARE_FAR) * weights
    together = REAL_LISTENERS * share / (1 + (REAL_LISTENERS - 1) * share)
    return simulate_bold(
        features,
        sizes,
        coordinates,
        homologous_voxels(mask),
        n_listeners=n_listeners,
        t_r=t_r,
        seed=seed,
        growing=weights,
        signal_share=together / (n_listeners - (n_listeners - 1) * together),
    )


def _write_scans(path: Path, bold: np.ndarray, mask: Any, t_r: float) -> None:
    from nibabel import Nifti1Image

    inside = np.asarray(mask.dataobj) > 0
    # Whole numbers at a twentieth of a unit, as scanners write them; noise is ten units.
    volumes = np.zeros((*inside.shape, len(bold)), dtype=np.int16)
    volumes[inside] = np.rint((bold.T - 1000.0) / 0.05).clip(-32000, 32000).astype(np.int16)
    image = Nifti1Image(volumes, mask.affine, dtype=np.int16)
    image.header.set_slope_inter(0.05, 1000.0)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((*image.header.get_zooms()[:3], t_r))
    _write_image(path, image, SIMULATED)


def _write_image(path: Path, image: Any, description: str) -> None:
    import gzip

    image.header["descrip"] = description.encode()
    with write_atomically(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), 1, mtime=0))


def _write_descriptions(folder: Path, data: Path, listeners: list[str], t_r: float) -> None:
    described = {
        "Name": "Le Petit Prince, English: SIMULATED recordings for a rehearsal",
        "BIDSVersion": "1.8.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "hemiscale rehearse"}],
        "Simulated": SIMULATED,
    }
    for where in (data, data / "derivatives"):
        write_json(where / "dataset_description.json", described)
    write_json(data / "task-lppEN_bold.json", {"RepetitionTime": t_r, "Simulated": SIMULATED})
    write_text(
        folder / "README",
        "SIMULATED data, for a rehearsal of hemiscale: never to be published as recordings.\n\n"
        "Layout, names, grid, run lengths and word timings are those of the English listeners of\n"
        "Le Petit Prince (OpenNeuro ds003643). The scans of "
        f"{', '.join('sub-' + name for name in listeners)} are made\n"
        "from the activations of small language models, with a planted law (planted.nc), noise\n"
        "and drifts. Each listener is cleaner than a real one, so that their average is about as\n"
        f"reliable as that of {REAL_LISTENERS} people. The texts are the annotated words.\n",
    )


def _planted(
    brain: SimulatedBrain, features: dict[str, list[np.ndarray]], mask: Any, seed: int
) -> xr.Dataset:
    import xarray as xr

    from hemiscale import __version__
    from hemiscale.brain import voxel_coordinates
    from hemiscale.simulation import attainable_scores

    left, right = brain.homologues
    pairs = np.arange(len(left))
    if len(pairs) > PAIRS:
        pairs = np.sort(np.random.default_rng([seed, PAIRS]).choice(pairs, PAIRS, replace=False))
    attainable = np.full(brain.planted.shape, np.nan, dtype=np.float32)
    attainable[:, np.concatenate([left[pairs], right[pairs]])] = attainable_scores(
        brain, features, voxel_coordinates(mask), pairs
    )

    return xr.Dataset(
        {
            "wanted": (("model", "target"), brain.wanted),
            "planted": (("model", "target"), brain.planted),
            "expected_average": (("model", "target"), brain.expected_scores().astype("float32")),
            "attainable_average": (("model", "target"), attainable),
            "expected_listener": (("model", "target"), brain.expected_scores(1).astype("float32")),
            "signal_share": ("target", brain.signal_share.astype("float32")),
        },
        coords={"model": list(brain.models), "size": ("model", brain.sizes)},
        attrs={
            "simulated": SIMULATED,
            "seed": seed,
            "fingerprint": f"rehearsal of hemiscale {__version__}",
        },
    )


def _study(n_runs: int, models: Sequence[str], small: bool, n_listeners: int) -> str:
    from hemiscale.datasets.petit_prince.studies import petit_prince_study

    mask = "mask.nii.gz" if small else "petit-prince-en"
    recordings = "\n".join(
        [
            'kind = "bids"           # simulated listeners, in the layout of the data set',
            'folder = "ds003643/derivatives"',
            'task = "lppEN"',
            'space = "MNIColin27"',
            'desc = "preproc"',
            f"mask = {json.dumps(mask)}",
            "average = true",
            "individuals = true",
            f"ceiling_splits = {2 if small else 10}",
        ]
    )
    return petit_prince_study(
        "petit-prince-en",
        name="rehearsal-small" if small else "rehearsal",
        title=f"Rehearsal with {n_listeners} SIMULATED listeners of Le Petit Prince in English",
        simulated=True,
        recordings=recordings,
        models=tuple(models),
        n_runs=n_runs,
        # Two draws of each random baseline: what ten would add is time.
        seeds=2,
        # Steadier choices of penalties and layers: the rehearsal is about what they find.
        validation="all",
    )
