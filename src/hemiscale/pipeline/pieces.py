"""The scores of one layer on disk, until all layers of its model are there."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hemiscale.pipeline.scoring import LayerScores
from hemiscale.results import (
    ResultsFolder,
    fingerprint,
    read_stamped,
    safe_name,
    write_activations,
)

__all__ = [
    "Piece",
    "piece_file",
    "piece_folder",
    "piece_stamp",
    "read_piece",
    "remove_empty_folders",
    "remove_pieces",
    "unfinished_folder",
    "write_piece",
]


@dataclass(frozen=True)
class Piece:
    """The scores of one layer, and what was noted while they were made.

    Attributes
    ----------
    scores : LayerScores
    seconds : float
        That it took.
    notices, library_warnings : list of str
    """

    scores: LayerScores
    seconds: float
    notices: list[str]
    library_warnings: list[str]


def unfinished_folder(folder: ResultsFolder) -> Path:
    """Where the layers of all feature sets are that are not done.

    Parameters
    ----------
    folder : ResultsFolder

    Returns
    -------
    Path
    """
    return folder.root / "unfinished"


def piece_folder(folder: ResultsFolder, name: str, scores: str) -> Path:
    """Where the layers of a feature set wait for each other.

    Scores of other inputs wait elsewhere: a worker left over from a run that was killed does not
    touch what the next run, of a study that was edited, makes of the same model.

    Parameters
    ----------
    folder : ResultsFolder
    name : str
        Of the feature set.
    scores : str
        Fingerprint of all scores of the feature set.

    Returns
    -------
    Path
    """
    return _all_pieces(folder, name) / scores


def remove_pieces(folder: ResultsFolder, name: str, *, but: str | None = None) -> None:
    """Remove what waits in vain, for it was made from other inputs, or all is done.

    Parameters
    ----------
    folder : ResultsFolder
    name : str
        Of the feature set.
    but : str, optional
        Fingerprint of the scores whose layers stay.
    """
    found = _all_pieces(folder, name)
    for path in found.glob("*"):
        if path.name == but:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def remove_empty_folders(folder: ResultsFolder) -> None:
    """Remove the folders in which nothing waits any more.

    Parameters
    ----------
    folder : ResultsFolder
    """
    for path in (*unfinished_folder(folder).glob("*"), unfinished_folder(folder)):
        with suppress(OSError):  # not empty, or not there
            path.rmdir()


def _all_pieces(folder: ResultsFolder, name: str) -> Path:
    return unfinished_folder(folder) / safe_name(name)


def piece_file(folder: ResultsFolder, name: str, scores: str, part: int, layer: int) -> Path:
    """Where the scores of one layer are kept.

    Parameters
    ----------
    folder : ResultsFolder
    name : str
        Of the feature set.
    scores : str
        Fingerprint of all scores of the feature set.
    part : int
        Of the targets, from 0.
    layer : int

    Returns
    -------
    Path
    """
    return piece_folder(folder, name, scores) / f"part-{part:03d}-layer-{layer:03d}.safetensors"


def piece_stamp(scores: str, part: int, layer: int) -> str:
    """Fingerprint of the scores of one layer.

    Parameters
    ----------
    scores : str
        Fingerprint of all scores of the feature set.
    part, layer : int

    Returns
    -------
    str
    """
    return fingerprint(scores=scores, part=part, layer=layer)


def write_piece(path: Path, stamp: str, piece: Piece) -> None:
    """Store the scores of one layer.

    Parameters
    ----------
    path : Path
    stamp : str
        From `piece_stamp`.
    piece : Piece

    Warns
    -----
    HemiscaleWarning
        Where a damaged file stood in its place.
    """
    scores = piece.scores
    write_activations(
        path,
        [],
        extras={
            "score": scores.score,
            "validation_score": scores.validation_score,
            "alpha": scores.alpha,
        },
        metadata={
            "fingerprint": stamp,
            "width": str(scores.width),
            "n_constant": str(scores.n_constant),
            "seconds": str(piece.seconds),
            "notices": json.dumps(piece.notices),
            "library_warnings": json.dumps(piece.library_warnings),
        },
    )


def read_piece(path: Path, stamp: str) -> Piece | None:
    """Read what `write_piece` stored.

    Parameters
    ----------
    path : Path
    stamp : str

    Returns
    -------
    Piece or None
        None where there is no whole file with this fingerprint.
    """
    found = read_stamped(path, stamp)
    if found is None:
        return None
    arrays, facts = found
    scores = LayerScores(
        arrays["score"],
        arrays["validation_score"],
        arrays["alpha"],
        int(facts["width"]),
        int(facts["n_constant"]),
    )
    return Piece(
        scores,
        float(facts["seconds"]),
        json.loads(facts["notices"]),
        json.loads(facts["library_warnings"]),
    )
