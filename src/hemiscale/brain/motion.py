"""Motion parameters, for the diagnostics."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from hemiscale.errors import InputError

__all__ = ["framewise_displacement", "read_motion"]

HEAD_RADIUS = 50.0  # mm; Power et al. 2012


def read_motion(path: str | Path, *, skip_rows: int = 0) -> np.ndarray:
    """Read SPM's motion parameters.

    Parameters
    ----------
    path : str or Path
        Six columns: three translations (mm), three rotations (radians).
    skip_rows : int
        Rows of volumes that are not analysed.

    Returns
    -------
    (n_scans, 6) float64 array

    Raises
    ------
    InputError
        Where the file is not a table of six columns.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file without numbers is told below
            values = np.loadtxt(path, ndmin=2)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file of motion parameters.") from None
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path}: not a table of motion parameters ({str(error).splitlines()[0]})."
        ) from None
    if not values.size:
        raise InputError(f"{path}: holds no motion parameters; expected six columns of numbers.")
    if values.shape[1] != 6:
        raise InputError(f"{path}: has {values.shape[1]} columns where 6 are expected.")
    return values[skip_rows:]


def framewise_displacement(parameters: np.ndarray) -> np.ndarray:
    """Displacement from scan to scan: sum of the six absolute changes.

    Power et al. 2012, NeuroImage 59(3), 2142-2154; rotations as arcs on a sphere of 50 mm.

    Parameters
    ----------
    parameters : (n_scans, 6) array
        Translations in mm, rotations in radians.

    Returns
    -------
    (n_scans - 1,) float64 array
        Millimetres.
    """
    change = np.abs(np.diff(np.asarray(parameters, dtype=np.float64), axis=0))
    change[:, 3:] *= HEAD_RADIUS
    return change.sum(axis=1)
