"""Tables of confounds, as fMRIPrep and others write them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hemiscale.errors import InputError

__all__ = ["read_confounds"]


def read_confounds(path: str | Path, columns: Sequence[str]) -> np.ndarray:
    """Read confounds of one run by name.

    Parameters
    ----------
    path : str or Path
        Tab-separated, with a line of names and a row per scan.
    columns : sequence of str

    Returns
    -------
    (n_scans, n_columns) float64 array
        A missing first value (``n/a``), as derivatives have, becomes 0.

    Raises
    ------
    InputError
        Where there is no such file or column, or a value is missing in any other row.
    """
    import pandas as pd

    path = Path(path)
    try:
        table = pd.read_csv(path, sep="\t", na_values=["n/a"], dtype=str)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file of confounds.") from None
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path}: not a tab-separated table ({str(error).splitlines()[0]})."
        ) from None
    problems = []
    values = np.empty((len(table), len(columns)))
    for column, name in enumerate(columns):
        if name not in table.columns:
            near = difflib.get_close_matches(name, [str(c) for c in table.columns], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            problems.append(f"{path}, row 1: there is no confound named {name!r}{hint}")
            continue
        numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
        values[:, column] = numbers
        bad = np.flatnonzero(~np.isfinite(numbers[1:]))
        if len(bad):
            problems.append(f"{path}, row {bad[0] + 3}: confound {name!r} is not a finite number.")
    if problems:
        raise InputError(*problems)
    if len(values):
        values[0] = np.nan_to_num(values[0], nan=0.0, posinf=0.0, neginf=0.0)
    return values
