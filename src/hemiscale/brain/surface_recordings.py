"""Describe recordings on the surface without decoding their values, and read them."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from hemiscale.brain.recordings import t_r_of_sidecar
from hemiscale.brain.surfaces import (
    SurfaceVertices,
    describe_cifti,
    read_cifti,
    read_gifti_pair,
)
from hemiscale.errors import InputError

__all__ = [
    "SurfaceRecording",
    "describe_surface",
    "read_surface",
    "refuse_values_elsewhere",
]


_DAMAGE = (expat.ExpatError, OSError, EOFError, ValueError, LookupError, zlib.error)

# Each by all names under which nibabel takes it.
_WITHIN = {
    *("ASCII", "GIFTI_ENCODING_ASCII"),
    *("Base64Binary", "B64BIN", "GIFTI_ENCODING_B64BIN"),
    *("GZipBase64Binary", "B64GZ", "GIFTI_ENCODING_B64GZ"),
}
_ELSEWHERE = {"ExternalFileBinary", "External", "GIFTI_ENCODING_EXTBIN"}


@dataclass(frozen=True)
class SurfaceRecording:
    """One run of one subject on the surface.

    Attributes
    ----------
    paths : tuple of Path
        One CIFTI file, or two GIFTI files: left and right.
    subject : str
    run : int
        Place in the story, from 1.
    n_scans : int
    n_template : int
        Vertices of one hemisphere.
    t_r : float or None
        Seconds between scans; None where neither sidecar nor file says.
    t_r_source : str
        ``"sidecar"``, ``"file"`` or ``""``.
    doubts : tuple of str
    """

    paths: tuple[Path, ...]
    subject: str
    run: int
    n_scans: int
    n_template: int
    t_r: float | None
    t_r_source: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The first file, by which the recording is named."""
        return self.paths[0]


def read_surface(paths: tuple[Path, ...]) -> tuple[np.ndarray, SurfaceVertices]:
    """Read one run, the medial wall left out.

    Parameters
    ----------
    paths : tuple of Path
        One CIFTI file, or two GIFTI files.

    Returns
    -------
    scans : (n_scans, n_vertices) float32 array
    vertices : SurfaceVertices

    Raises
    ------
    InputError
        As `read_cifti` and `read_gifti_pair`.
    """
    if len(paths) == 1:
        scans, vertices, _ = read_cifti(paths[0], without_still=True)
    else:
        scans, vertices, _ = read_gifti_pair(*paths)
    return scans, vertices


def refuse_values_elsewhere(path: Path) -> None:
    """Refuse a GIFTI file whose values are in another file.

    Parameters
    ----------
    path : Path
        Of what would be read as GIFTI: plain, or compressed as its name (``.gz``) says.

    Raises
    ------
    InputError
        Where another file is named.
    ValueError, OSError, EOFError, LookupError, zlib.error, expat.ExpatError
        Where it cannot be told, for it is no such file or is damaged: not to be read either.
    """
    outline = _Outline()
    _read_outline(outline, path)
    _check_whole(outline, path)


def describe_surface(paths: tuple[Path, ...], *, subject: str, run: int) -> SurfaceRecording:
    """Describe one run by its header, and its sidecar where there is one.

    Parameters
    ----------
    paths : tuple of Path
        One CIFTI file, or two GIFTI files: left and right.
    subject : str
    run : int
        Place in the story, from 1.

    Returns
    -------
    SurfaceRecording

    Raises
    ------
    InputError
        Where a file is none of these, or two files do not belong together.
    """
    if len(paths) == 1:
        n_scans, n_template, stated = describe_cifti(paths[0])
    else:
        n_scans, n_template, stated = _describe_pair(*paths)
    in_sidecar = t_r_of_sidecar(paths[0])
    doubts = []
    if in_sidecar is not None and stated is not None and abs(in_sidecar - stated) > 0.005:
        doubts.append(
            f"{paths[0]}: the sidecar gives a TR of {in_sidecar:g} s and the file {stated:g} s."
        )
    t_r, source = (in_sidecar, "sidecar") if in_sidecar is not None else (stated, "file")
    return SurfaceRecording(
        paths=paths,
        subject=subject,
        run=run,
        n_scans=n_scans,
        n_template=n_template,
        t_r=t_r,
        t_r_source=source if t_r is not None else "",
        doubts=tuple(doubts),
    )


def _describe_pair(left: Path, right: Path) -> tuple[int, int, float | None]:
    outlines = [_outline(left), _outline(right)]
    for path, outline, side in zip((left, right), outlines, ("Left", "Right"), strict=True):
        stated = outline.facts.get("AnatomicalStructurePrimary", "")
        if stated.startswith("Cortex") and stated != f"Cortex{side}":
            raise InputError(
                f"{path}: says that it is of {stated} where Cortex{side} is expected; are the "
                "hemispheres exchanged?"
            )
    sizes = [outline.size(path) for path, outline in zip((left, right), outlines, strict=True)]
    for what, k in (("scans", 0), ("vertices", 1)):
        if sizes[0][k] != sizes[1][k]:
            kind = "run" if k == 0 else "template"
            raise InputError(
                f"{left} has {sizes[0][k]} {what} and {right} {sizes[1][k]}; they are not of one "
                f"{kind}."
            )
    return *sizes[0], outlines[0].t_r


class _Outline:
    """What the tags of a GIFTI file say: sizes of its arrays, and its facts.

    `is_whole` is false where another file holds the values.
    """

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.facts: dict[str, str] = {}
        self.is_whole = True
        self._name = self._text = ""
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def read(self, stream: Any) -> None:
        self._parser.ParseFile(stream)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "DataArray":
            n_dims = int(attributes.get("Dimensionality", "1"))
            self.shapes.append(tuple(int(attributes[f"Dim{k}"]) for k in range(n_dims)))
            if not self.shapes[-1] or min(self.shapes[-1]) < 1:
                raise ValueError("an array of no size")
            encoding = attributes.get("Encoding", "GZipBase64Binary")
            if encoding not in _WITHIN | _ELSEWHERE:
                raise ValueError("an array in no known encoding")
            self.is_whole &= encoding in _WITHIN
        elif tag in ("Name", "Value"):
            self._text = ""
            self._parser.CharacterDataHandler = self._add

    def _add(self, text: str) -> None:
        self._text += text

    def _end(self, tag: str) -> None:
        self._parser.CharacterDataHandler = None
        if tag == "Name":
            self._name = self._text.strip()
        elif tag == "Value":
            # The file's own facts come before those of its arrays.
            self.facts.setdefault(self._name, self._text.strip())

    @property
    def t_r(self) -> float | None:
        try:
            value = float(self.facts.get("TimeStep", "")) / 1000  # milliseconds, as Workbench has
        except ValueError:
            return None
        return value if value > 0 else None

    def size(self, path: Path) -> tuple[int, int]:
        """Tell the numbers of scans and vertices."""
        if len(set(self.shapes)) > 1:
            raise InputError(f"{path}: its scans have different numbers of vertices.")
        if len(self.shapes) == 1 and len(self.shapes[0]) == 2:
            return self.shapes[0][1], self.shapes[0][0]
        if not self.shapes:
            raise InputError(f"{path}: is not a GIFTI series (.func.gii).")
        if len(self.shapes[0]) != 1:
            raise InputError(f"{path}: its scans are no lists of one value for each vertex.")
        if len(self.shapes) == 1:
            raise InputError(f"{path}: holds one map where a series of scans is expected.")
        return len(self.shapes), self.shapes[0][0]


def _outline(path: Path) -> _Outline:
    outline = _Outline()
    try:
        _read_outline(outline, path)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except _DAMAGE:
        raise InputError(
            f"{path}: is no GIFTI or CIFTI file, or is cut off; download it again."
        ) from None
    _check_whole(outline, path)
    return outline


def _read_outline(outline: _Outline, path: Path) -> None:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as stream:
        outline.read(stream)


def _check_whole(outline: _Outline, path: Path) -> None:
    if not outline.is_whole:
        # Its name could be any path, and nothing would notice that it changes.
        raise InputError(
            f"{path}: names another file that holds its values, which is not read; write it again "
            "with the values inside (wb_command -gifti-convert GZIP_BASE64_BINARY)."
        )
