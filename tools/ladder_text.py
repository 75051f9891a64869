"""The text the ladder is trained on: Jane Austen's novels, in chapters, and their tokenizer."""

from __future__ import annotations

import json
import re
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rdata
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

PACKAGE = "r-cran-janeaustenr"
BOS = "<|endoftext|>"
HEADING = re.compile(r"(?:chapter (?:[ivxlc]+|\d+)|volume [ivx]+)\.?", re.IGNORECASE)
# Northanger Abbey ends with a modern editor's note, which is not in the public domain.
END_MATTER = {"FINIS", "THE END", "A NOTE ON THE TEXT"}


@dataclass(frozen=True)
class Novels:
    """The novels as the package has them.

    Parameters
    ----------
    version : str
        The version of the R package.
    lines : dict of str to list of str
        The printed lines of every novel.
    """

    version: str
    lines: dict[str, list[str]]


def load_novels(given: Path | None, scratch: Path) -> Novels:
    """Read the novels from the package, which is downloaded if none is given.

    Parameters
    ----------
    given : Path or None
        The ``.deb``, or a folder somewhere under which the package is unpacked or installed.
    scratch : Path
        A folder for downloads and unpacked files.

    Returns
    -------
    Novels
    """
    if given is None:
        subprocess.run(["apt-get", "download", PACKAGE], cwd=scratch, check=True)
        given = next(scratch.glob(f"{PACKAGE}_*.deb"))
    if given.is_file():
        subprocess.run(["dpkg", "-x", given, scratch / "unpacked"], check=True)
        given = scratch / "unpacked"
    database = next(given.rglob("janeaustenr/data/Rdata.rdb"), None)
    if database is None:
        raise SystemExit(f"no janeaustenr/data/Rdata.rdb under {given}: is this {PACKAGE}?")
    description = (database.parents[1] / "DESCRIPTION").read_text(encoding="utf-8")
    version = re.findall(r"^Version: (.+)$", description, re.MULTILINE)[0]
    return Novels(version, _read_database(database))


def _read_database(path: Path) -> dict[str, list[str]]:
    """Read every object of R's lazy-load database, all of them lists of lines."""

    def convert(content: bytes) -> Any:
        return rdata.conversion.convert(rdata.parser.parse_data(content, extension=".rds"))

    places = convert(path.with_suffix(".rdx").read_bytes())["variables"]
    database = path.read_bytes()
    novels = {}
    for name, (offset, length) in sorted(places.items()):
        # Four bytes of length go before each zlib stream.
        chunk = database[int(offset) + 4 : int(offset) + int(length)]
        novels[str(name)] = [str(line) for line in convert(zlib.decompress(chunk))]
    return novels


def split_chapters(lines: list[str]) -> list[list[str]]:
    """Turn printed lines into chapters of paragraphs, without headings and end matter.

    Lines are joined, because the models are to read running text. The underscores that stand
    for italics go; dashes and the two spaces after some full stops stay as printed.

    Parameters
    ----------
    lines : list of str
        The printed lines of one novel.

    Returns
    -------
    list of list of str
        The paragraphs of each chapter.
    """
    chapters: list[list[str]] = []
    paragraph: list[str] = []
    for line in [*lines, "THE END"]:
        line = line.strip()
        is_end = line.upper() in END_MATTER
        is_heading = HEADING.fullmatch(line) is not None
        if line.strip("* ") and not is_end and not is_heading:
            paragraph.append(line.replace("_", ""))
            continue
        if paragraph and chapters:  # what comes before the first heading is the title page
            chapters[-1].append(" ".join(paragraph))
        paragraph = []
        if is_end:
            break
        if is_heading:
            chapters.append([])
    return [chapter for chapter in chapters if chapter]


def split_held_out(chapters: list[list[str]], share: float) -> tuple[list[str], list[str]]:
    """Hold out the last part of a novel, cut between two paragraphs.

    Parameters
    ----------
    chapters : list of list of str
        The paragraphs of each chapter.
    share : float
        The share of the characters to hold out.

    Returns
    -------
    train, held_out : list of str
        Chapters, with a newline between paragraphs; the chapter that is cut gives to both.
    """
    limit = (1 - share) * sum(len(paragraph) for chapter in chapters for paragraph in chapter)
    train, held_out, seen = [], [], 0
    for chapter in chapters:
        parts: tuple[list[str], list[str]] = ([], [])
        for paragraph in chapter:
            parts[seen >= limit].append(paragraph)
            seen += len(paragraph)
        train += ["\n".join(parts[0])] if parts[0] else []
        held_out += ["\n".join(parts[1])] if parts[1] else []
    return train, held_out


def make_tokenizer(texts: list[str], vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE, built as GPT-2's is.

    Parameters
    ----------
    texts : list of str
        The training text only: a tokenizer that has seen held-out text is not blind to it.
    vocabulary : int
        The number of tokens, with the one that begins and ends a text.
    context : int
        The most tokens that the models take.

    Returns
    -------
    PreTrainedTokenizerFast
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=BOS, eos_token=BOS, model_max_length=context
    )


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the tokenizer so that transformers 4 reads it too.

    ``save_pretrained`` names a class that only transformers 5 knows.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast
        The tokenizer.
    folder : Path
        The folder to write ``tokenizer.json`` and ``tokenizer_config.json`` in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokenizer.bos_token,
        "eos_token": tokenizer.eos_token,
        "model_max_length": tokenizer.model_max_length,
        # Without this, transformers 4 gives token types, which GPT-2 adds to its embedding.
        "model_input_names": ["input_ids", "attention_mask"],
    }
    text = json.dumps(settings, indent=2) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")


def encode(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Return the tokens of a text of any length, without a warning about the model's limit."""
    return tokenizer.backend_tokenizer.encode(text).ids
