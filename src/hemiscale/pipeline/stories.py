"""The stories of all runs: words, texts, and which characters belong to which word."""

from __future__ import annotations

import dataclasses
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.study import Study

__all__ = ["Story", "collect", "joined_words", "read_stories"]

LARGEST_TEXTS = 100_000_000  # bytes


@dataclass(frozen=True)
class Story:
    """What is heard in one run.

    Attributes
    ----------
    source : str
        Where the words come from, for sentences.
    words : DataFrame
        Columns ``word``, ``onset``, ``offset`` (seconds from the first scan).
    text : str
        What the models read.
    spans : (n_words, 2) int array
        Characters of `text` that belong to each word.
    doubtful : list of dict
        Words whose characters are in doubt.
    """

    source: str
    words: pd.DataFrame
    text: str
    spans: np.ndarray
    doubtful: list[dict[str, Any]]


@contextmanager
def collect(problems: list[str]) -> Iterator[None]:
    """Add the sentences of an `InputError` to a list instead of stopping.

    Parameters
    ----------
    problems : list of str

    Yields
    ------
    None
    """
    try:
        yield
    except InputError as error:
        problems += error.problems


def read_stories(study: Study, problems: list[str], notices: list[str]) -> list[Story | None]:
    """Read words and texts of all runs and align them.

    Parameters
    ----------
    study : Study
    problems, notices : list of str
        Sentences are added to them.

    Returns
    -------
    list of Story or None
        None for a run with a problem.
    """
    stimulus = study.stimulus
    folder = Path(study.folder)
    sections: list[str | None] = [*stimulus.sections] or [None] * stimulus.n_runs
    tables = stimulus.words if len(stimulus.words) > 1 else stimulus.words * stimulus.n_runs
    texts: list[str | None] = [None] * stimulus.n_runs
    sources = ["the annotated words"] * stimulus.n_runs
    if not stimulus.text:
        notices.append(
            "the study names no text: the models read the annotated words joined by spaces, "
            "without punctuation or capitals; with the printed text they predict more."
        )
    else:
        texts, sources = _read_texts(study, problems)
    stories: list[Story | None] = []
    for table, section, text, text_source in zip(tables, sections, texts, sources, strict=True):
        where = folder / table
        source = f"{where}, section {section}" if section else f"{where}"
        words = _read_words(where, section, problems, notices)
        if words is None or (text is None and stimulus.text):
            stories.append(None)
            continue
        stories.append(_align(source, words, text, text_source, problems, notices))
    return stories


def joined_words(words: list[str]) -> tuple[str, np.ndarray]:
    """Make a text of words, for want of the printed one.

    Parameters
    ----------
    words : list of str

    Returns
    -------
    text : str
        The words joined by spaces.
    spans : (n_words, 2) int array
        Characters of each word.
    """
    lengths = np.array([len(word) for word in words])
    ends = np.cumsum(lengths + 1) - 1
    return " ".join(words), np.stack([ends - lengths, ends], axis=1)


def _read_words(
    path: Path, section: str | None, problems: list[str], notices: list[str]
) -> pd.DataFrame | None:
    from hemiscale.stimulus import read_words

    words = None
    with collect(problems), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", HemiscaleWarning)
        words = read_words(path, section=section)
    notices += [str(warning.message) for warning in caught]
    return words


def _read_texts(study: Study, problems: list[str]) -> tuple[list[str | None], list[str]]:
    from hemiscale.stimulus import read_text

    stimulus, folder = study.stimulus, Path(study.folder)
    if stimulus.text_is_zip:
        path = folder / stimulus.text[0]
        try:
            texts = _texts_of_zip(path, stimulus.n_runs, stimulus.text_password)
        except InputError as error:
            problems += error.problems
            return [None] * stimulus.n_runs, [str(path)] * stimulus.n_runs
        return [*texts.values()], [f"{path}, {name}" for name in texts]
    found: list[str | None] = []
    for name in stimulus.text:
        text = None
        with collect(problems):
            text = read_text(folder / name)
        found.append(text)
    return found, [str(folder / name) for name in stimulus.text]


def _texts_of_zip(path: Path, n_runs: int, password: str) -> dict[str, str]:
    """Texts by name, in the order of the numbers in their names."""
    try:
        with zipfile.ZipFile(path) as archive:
            texts_inside = [
                info
                for info in archive.infolist()
                if info.filename.lower().endswith(".txt") and not info.filename.startswith("__")
            ]
            # What an archive says of its sizes also bounds what is unpacked.
            if sum(info.file_size for info in texts_inside) > LARGEST_TEXTS:
                raise InputError(
                    f"{path}: its texts are larger than any story; is it the right zip?"
                )
            names = [info.filename for info in texts_inside]
            if len(names) != n_runs:
                raise InputError(
                    f"{path}: holds {len(names)} text file(s) where the story has {n_runs} runs."
                )
            names.sort(key=lambda n: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", n)])
            texts = {name: archive.read(name, password.encode() or None) for name in names}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except RuntimeError:
        raise InputError(
            f"{path}: is encrypted, and text_password is missing or does not open it."
        ) from None
    except NotImplementedError:
        raise InputError(
            f"{path}: is packed or encrypted in a way that cannot be read here; unpack it and "
            "name its text files in the study."
        ) from None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: not a whole zip archive ({error}).") from None
    try:
        decoded = {name: content.decode("utf-8-sig") for name, content in texts.items()}
    except UnicodeDecodeError:
        raise InputError(f"{path}: holds text that is not UTF-8.") from None
    return {name: text.replace("\r\n", "\n") for name, text in decoded.items()}


def _align(
    source: str,
    words: pd.DataFrame,
    text: str | None,
    text_source: str,
    problems: list[str],
    notices: list[str],
) -> Story | None:
    from hemiscale.stimulus import align_words, doubtful_words

    heard = list(words["word"])
    if text is None:
        text, spans = joined_words(heard)
        return Story(source, words, text, spans, [])
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", HemiscaleWarning)
            spans = align_words(heard, text)
    except (InputError, ValueError) as error:
        problems.append(f"{source} and {text_source}: {error}")
        return None
    notices += [f"{source}: {warning.message}" for warning in caught]
    doubtful = [dataclasses.asdict(word) for word in doubtful_words(heard, text, spans)]
    return Story(source, words, text, spans, doubtful)
