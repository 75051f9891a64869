"""Open NIfTI files, and say in one sentence what is wrong with those that are none."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hemiscale.errors import InputError

__all__ = ["check_compression", "open_nifti", "read_mask", "scan_blocks"]

CHUNK = 1 << 20
SCANS_AT_ONCE = 16
HEADER = 348  # bytes of the shortest header
START = 4096  # bytes by which any reader knows what a file is
CUT_OFF = "the file is cut off or damaged; download it again."


def open_nifti(path: str | Path, *, dimensions: int | None = None) -> Any:
    """Open a NIfTI file without reading its data, once it is known to be whole.

    A compressed file is known to be whole by the length it states at its end; only where that
    disagrees with the header is the file read through.

    Parameters
    ----------
    path : str or Path
        ``.nii`` or ``.nii.gz``.
    dimensions : int, optional
        3 or 4, where only that will do. A fourth dimension of length one counts as none.

    Returns
    -------
    nibabel image
        Its data are read on demand, scan after scan without starting again from the first.

    Raises
    ------
    InputError
        With one sentence: no such file, a link to content that was not downloaded, a web page
        saved as NIfTI, a file cut off, not an image, or the wrong number of dimensions.
    """
    import nibabel

    path = Path(path)
    problem = _problem_of_file(path)
    if problem is not None:
        raise InputError(f"{path}: {problem}")
    try:
        # Mapped into memory, a file that becomes shorter meanwhile would end the process.
        image = nibabel.load(path, keep_file_open=True, mmap=False)
        shape = tuple(int(n) for n in image.shape)
        ended = _is_cut_off(path, image)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path}: {CUT_OFF}") from None
    except Exception as error:  # nibabel has many; they are all the same to the reader
        raise InputError(f"{path}: not a NIfTI image ({_first_line(error)}).") from None
    if ended:
        raise InputError(f"{path}: {CUT_OFF}")
    if dimensions is not None:
        n_dimensions = len(shape)
        while n_dimensions > 3 and shape[n_dimensions - 1] == 1:
            n_dimensions -= 1
        if n_dimensions != dimensions:
            what = "a series of scans (4D)" if dimensions == 4 else "one volume (3D)"
            raise InputError(
                f"{path}: has {n_dimensions} dimensions ({' x '.join(map(str, shape))}) where "
                f"{what} is expected."
            )
    return image


def check_compression(path: str | Path) -> None:
    """Read a compressed file through and compare it with the checksum at its end.

    nibabel reads as many bytes as the header asks for and stops before the checksum: a byte that
    changed on the way would become other values in silence.

    Parameters
    ----------
    path : str or Path
        Files that are not named ``.gz`` are left alone.

    Raises
    ------
    InputError
        Where they disagree.
    """
    path = Path(path)
    if not path.name.endswith(".gz"):
        return
    try:
        with gzip.open(path, "rb") as content:
            while content.read(CHUNK):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path}: {CUT_OFF}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None


def read_mask(path: str | Path) -> Any:
    """Read a mask image.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Nifti1Image
        One volume of zeros and ones.

    Raises
    ------
    InputError
        Where the file is no NIfTI volume, holds no voxel above zero or none outside the mask, or
        its header leaves in doubt which side is left.
    """
    from nibabel import Nifti1Image

    image = open_nifti(path, dimensions=3)
    check_compression(path)
    try:
        values = np.asarray(image.dataobj).reshape(image.shape[:3])
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({_first_line(error)}).") from None
    mask = np.nan_to_num(values) > 0
    doubt = doubt_about_sides(path, image)
    if doubt is not None:
        raise InputError(doubt)
    if not mask.any():
        raise InputError(f"{path}: the mask is empty; no voxel is above zero.")
    if mask.all() and mask.size > 1:
        raise InputError(f"{path}: every voxel is above zero; this is no mask.")
    return Nifti1Image(mask.astype(np.uint8), image.affine)


def doubt_about_sides(path: str | Path, image: Any) -> str | None:
    """Say why a header leaves in doubt which side is left, or None.

    Parameters
    ----------
    path : str or Path
        For the sentence.
    image : nibabel image
        A NIfTI image.

    Returns
    -------
    str or None
    """
    header = image.header
    s_code, q_code = int(header["sform_code"]), int(header["qform_code"])
    if not s_code and not q_code:
        return (
            f"{path}: the header does not say where the voxels lie (sform and qform codes are 0), "
            "so left and right cannot be told apart."
        )
    if s_code and q_code:
        forms = header.get_sform(), header.get_qform()
        # A reflection between the two turns left into right.
        if np.prod([np.linalg.det(form[:3, :3]) for form in forms]) < 0:
            return (
                f"{path}: the two transformations in the header (sform and qform) disagree about "
                "which side is left."
            )
    return None


def _problem_of_file(path: Path) -> str | None:
    if path.is_symlink() and not path.exists():
        return (
            "is a link to content that is not on this disk; "
            "get it first (datalad get, or git annex get)."
        )
    if not path.exists():
        return "there is no such file."
    if path.is_dir():
        return "is a folder where a NIfTI file is expected."
    try:
        with path.open("rb") as stream:
            start = stream.read(512)
    except OSError as error:
        return f"cannot be read ({error.strerror})."
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "the file is empty; download it again."
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<error", b"<head")):
        return "is a web page or an error message saved as NIfTI; download the file again."
    if text.startswith((b"{", b"[")):
        return "is a message (JSON) saved as NIfTI; download the file again."
    if text.startswith(b"version https://git-lfs") or b"/annex/objects/" in text:
        return "is a pointer to content that was not downloaded (git-annex or Git LFS); get it."
    if path.name.endswith(".gz") and not start.startswith(b"\x1f\x8b"):
        return "is named .gz but is not compressed; download it again or rename it."
    if path.name.endswith(".gz"):
        try:
            with gzip.open(path, "rb") as content:
                complete = len(content.read(START)) >= HEADER
        except (EOFError, zlib.error, gzip.BadGzipFile):
            complete = False
        if not complete:
            return CUT_OFF
    return None


def _is_cut_off(path: Path, image: Any) -> bool:
    """Tell whether the data end too early, reading the whole file only in doubt."""
    if not path.name.endswith((".nii", ".nii.gz")):
        return False
    # The image's header has its offset reset when it is loaded; the array keeps it.
    needed = int(image.dataobj.offset) + int(
        np.prod(image.shape, dtype=np.int64) * image.header.get_data_dtype().itemsize
    )
    if not path.name.endswith(".gz"):
        return path.stat().st_size < needed
    with path.open("rb") as stream:
        stream.seek(-4, os.SEEK_END)
        stated = int.from_bytes(stream.read(4), "little")
    if stated == needed % 2**32:
        return False
    # Several members, or bytes after the end, are legal: count what comes out.
    length = 0
    with gzip.open(path, "rb") as content:
        while block := content.read(CHUNK):
            length += len(block)
            if length >= needed:
                return False
    return True


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def scan_blocks(path: str | Path, image: Any) -> Iterator[tuple[slice, np.ndarray]]:
    """Read the scans of a recording some at a time.

    Parameters
    ----------
    path : str or Path
    image : Nifti1Image
        Opened from there.

    Yields
    ------
    scans : slice
    block : (x, y, z, n_scans) float32 array
        May be written to.

    Raises
    ------
    InputError
        Where scans cannot be read.
    """
    check_compression(path)
    n_scans = image.shape[3]
    for start in range(0, n_scans, SCANS_AT_ONCE):
        scans = slice(start, min(start + SCANS_AT_ONCE, n_scans))
        try:
            block = np.asarray(image.dataobj[:, :, :, scans], dtype=np.float32)
        except Exception as error:  # zlib, gzip, nibabel and the system have one each
            raise InputError(
                f"{path}: scans {scans.start + 1} to {scans.stop} cannot be read "
                f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); "
                "download the file again."
            ) from None
        # A five-dimensional file with one channel is the same thing.
        block = block.reshape(*image.shape[:3], -1)
        yield scans, block if block.flags.writeable else block.copy()
