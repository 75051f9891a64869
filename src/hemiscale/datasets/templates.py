"""Study files to start from."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path

from hemiscale.datasets.alice import alice_study
from hemiscale.datasets.petit_prince.studies import PETIT_PRINCE_STUDIES, petit_prince_study
from hemiscale.errors import HemiscaleError, InputError

__all__ = ["TEMPLATES", "write_template"]

TEMPLATES = ("alice", *PETIT_PRINCE_STUDIES, "own-data")


def write_template(folder: Path, like: str) -> Path:
    """Write a commented study file, for ``alice`` with the data it names.

    Parameters
    ----------
    folder : Path
        Made if need be; must not hold a study file yet.
    like : str
        One of `TEMPLATES`.

    Returns
    -------
    Path
        The study file.

    Raises
    ------
    InputError
        Where there is no such template, or the folder has a study file already.
    HemiscaleError
        Where the folder cannot be written.
    """
    if like not in TEMPLATES:
        near = difflib.get_close_matches(like, TEMPLATES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(TEMPLATES)}."
        raise InputError(f"there is no template named {like!r}; {hint}")
    study = folder / "study.toml"
    if study.exists():
        raise InputError(f"{study} is there already; choose another folder.")
    try:
        if like == "alice":
            source = alice_study().parent
            shutil.copytree(
                source,
                folder,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("*.py", "__pycache__"),
            )
        elif like in PETIT_PRINCE_STUDIES:
            folder.mkdir(parents=True, exist_ok=True)
            study.write_text(petit_prince_study(like), encoding="utf-8")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(__file__).parent / "own_data.toml", study)
    except OSError as error:
        raise HemiscaleError(f"{folder}: cannot be written ({error.strerror or error}).") from None
    return study
