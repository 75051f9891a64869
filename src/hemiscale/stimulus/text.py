"""Read the text that the language models are given."""

from __future__ import annotations

from pathlib import Path

from hemiscale.errors import InputError

__all__ = ["decode_text", "read_text"]


def read_text(path: str | Path) -> str:
    """Read a text file.

    Parameters
    ----------
    path : str or Path
        A UTF-8 text file (UTF-16 with a byte order mark is read too).

    Returns
    -------
    str
        The text without byte order mark and with line ends as line feeds; otherwise as it is.

    Raises
    ------
    InputError
        Where there is no such file, it is no text, or it is empty.
    """
    path = Path(path)
    text = decode_text(path)
    if not any(character.isalnum() for character in text):
        raise InputError(f"{path}: the text is empty; it should hold the words of the story.")
    return text


def decode_text(path: Path) -> str:
    """Read a file as text, with sentences for what may go wrong.

    Parameters
    ----------
    path : Path
        A UTF-8 file, or UTF-16 with a byte order mark.

    Returns
    -------
    str
        Without byte order mark, line ends as line feeds.

    Raises
    ------
    InputError
        Where the file cannot be read or is not text.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    utf_16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = raw.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, row {row}: not UTF-8 text; save the file as UTF-8.") from None
    if "\0" in text:
        raise InputError(f"{path}: not a text file (it holds zero bytes); save it as UTF-8 text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
