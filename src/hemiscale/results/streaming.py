"""Large labelled results, written and read a part at a time: netCDF files as `stored` has them.

The HDF5 library never touches the disk here, for it crashes the process where the disk is full. It
lays out the file in memory, where the numbers are only a gap; they are then written into that gap
by ordinary means, in any order, as they are made.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.results.netcdf import put_netcdf
from hemiscale.results.stored import seal, set_aside_damaged, verify_seal
from hemiscale.results.writing import write_atomically

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DatasetWriter", "open_dataset", "write_in_parts"]


@dataclass(frozen=True)
class _Place:
    """Where the numbers of a variable lie in its file."""

    offset: int
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class DatasetWriter:
    """Puts numbers into their places in a file that is laid out already.

    Parameters
    ----------
    stream : binary file
        Open for writing.
    places : dict
        Of each variable, where it lies.
    """

    def __init__(self, stream: Any, places: Mapping[str, _Place]) -> None:
        self._stream, self._places = stream, places
        self._n_put = dict.fromkeys(places, 0)

    def put(self, name: str, values: Any, **at: int) -> None:
        """Write a part of a variable, each part once.

        Parameters
        ----------
        name : str
        values : array
            With the dimensions that `at` does not fix, in their order.
        **at : int
            Positions along the first dimensions, as in ``subject=3, layer=0``.

        Raises
        ------
        ValueError
            Where the part does not fit.
        """
        place = self._places[name]
        fixed, inner = place.dims[: len(at)], place.shape[len(at) :]
        if set(fixed) != set(at):
            raise ValueError(f"{name}: {sorted(at)} are not its first dimensions {fixed}")
        part = np.ascontiguousarray(values, dtype=place.dtype)
        if part.shape != inner:
            raise ValueError(f"{name}: the part is {part.shape} where {inner} is expected")
        number = 0
        for dim, size in zip(fixed, place.shape, strict=False):
            if not 0 <= at[dim] < size:
                raise ValueError(f"{name}: there is no {dim} {at[dim]} among {size}")
            number = number * size + at[dim]
        self._stream.seek(place.offset + number * part.nbytes)
        self._stream.write(part.tobytes())
        self._n_put[name] += part.size

    def check_complete(self) -> None:
        """Raise ValueError where parts are missing."""
        for name, place in self._places.items():
            if self._n_put[name] != math.prod(place.shape):
                raise ValueError(
                    f"{name}: {self._n_put[name]} of {math.prod(place.shape)} values were written"
                )


@contextlib.contextmanager
def write_in_parts(
    path: Path, labels: xr.Dataset, variables: Mapping[str, tuple[Sequence[str], str]]
) -> Iterator[DatasetWriter]:
    """Store a labelled result whose numbers come a part at a time; in memory is one part.

    The file is the same byte for byte in whichever order the parts come. It takes its place when
    all of them are there; on failure nothing is left of it.

    Parameters
    ----------
    path : Path
    labels : xarray.Dataset
        Coordinates, one for each dimension, and attributes; among them ``fingerprint``.
    variables : mapping of {name: (dimensions, type)}

    Yields
    ------
    DatasetWriter

    Raises
    ------
    HemiscaleError
        Where the file cannot be written.
    ValueError
        Where parts are missing at the end.

    Warns
    -----
    HemiscaleWarning
        Where a damaged file stood in its place: it is moved aside.
    """
    layout, places = _layout(labels, variables)
    set_aside_damaged(path)
    with write_atomically(path) as temporary, temporary.open("wb+") as stream:
        stream.truncate(layout.size)
        for start, content in layout.written:
            stream.seek(start)
            stream.write(content)
        writer = DatasetWriter(stream, places)
        yield writer
        writer.check_complete()
        seal(stream)


@contextlib.contextmanager
def open_dataset(path: Path, *, verified: bool = False) -> Iterator[xr.Dataset]:
    """Open a labelled result; its numbers are read as they are asked for.

    Parameters
    ----------
    path : Path
    verified : bool
        It was compared with its checksum a moment ago: not again for every part of it.

    Yields
    ------
    xarray.Dataset
        ``dataset.isel(subject=[k])`` reads one subject and keeps nothing of it.

    Raises
    ------
    DamagedFileError
        Where the file is not what was written; all of it is read once, at the speed of SHA-256.
    """
    import xarray as xr

    if not verified:
        verify_seal(path)
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        yield dataset


def _layout(
    labels: xr.Dataset, variables: Mapping[str, tuple[Sequence[str], str]]
) -> tuple[_FileWithGaps, dict[str, _Place]]:
    """Lay out the file in memory: all but the variables' numbers."""
    file = _FileWithGaps()
    offsets = put_netcdf(file, labels, variables)
    places = {
        name: _Place(
            offsets[name],
            tuple(dims),
            tuple(labels.sizes[dim] for dim in dims),
            np.dtype(dtype),
        )
        for name, (dims, dtype) in variables.items()
    }
    return file, places


class _FileWithGaps(io.RawIOBase):
    """A file in memory that keeps only what is written to it; the gaps take no room."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[int, bytes]] = []
        self.size = 0
        self._at = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = base + offset
        return self._at

    def write(self, content: Any) -> int:
        piece = bytes(content)
        self.written.append((self._at, piece))
        self._at += len(piece)
        self.size = max(self.size, self._at)
        return len(piece)

    def readinto(self, buffer: Any) -> int:
        n_bytes = max(min(len(buffer), self.size - self._at), 0)
        found = bytearray(n_bytes)
        for start, piece in self.written:
            first = max(start, self._at)
            last = min(start + len(piece), self._at + n_bytes)
            if first < last:
                found[first - self._at : last - self._at] = piece[first - start : last - start]
        buffer[:n_bytes] = found
        self._at += n_bytes
        return n_bytes

    def truncate(self, size: int | None = None) -> int:
        self.size = self._at if size is None else size
        return self.size
