"""Words of sections, and texts from files, from a zip with a password, or from the words."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pandas as pd
import pytest

from hemiscale.pipeline.stories import joined_words, read_stories
from hemiscale.study import read_study

STUDY = """\
name = "s"
[stimulus]
words = "words.csv"
sections = [1, 2]
TEXT
[recordings]
kind = "volumes"
files = "run{run}.nii.gz"
"""
TEXTS = {"story_run10.txt": "The end, at last.", "story_run2.txt": "It began.\r\nSo."}
WORDS = (["it", "began", "so"], ["the", "end", "at", "last"])


@pytest.fixture
def write(tmp_path):
    def write(text=""):
        tables = [
            pd.DataFrame(
                {
                    "word": words,
                    "onset": np.arange(len(words)),
                    "offset": np.arange(len(words)) + 0.5,
                    "section": k,
                }
            )
            for k, words in enumerate(WORDS, start=1)
        ]
        pd.concat(tables).to_csv(tmp_path / "words.csv", index=False)
        (tmp_path / "study.toml").write_text(STUDY.replace("TEXT", text))
        return read_study(tmp_path / "study.toml")

    return write


def read(study):
    problems, notices = [], []
    return read_stories(study, problems, notices), problems, notices


def encrypted(content, password):
    """The traditional encryption of zip files (APPNOTE 6.1): Python reads but never writes it."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def step(byte):
        keys[0] = (zlib.crc32(bytes([byte]), keys[0] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF) & 0xFFFFFFFF
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = (
            zlib.crc32(bytes([keys[1] >> 24]), keys[2] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
        ) & 0xFFFFFFFF

    for byte in password:
        step(byte)
    crc = zlib.crc32(content)
    out = bytearray()
    for byte in bytes(11) + bytes([crc >> 24]) + content:
        mixed = (keys[2] & 0xFFFF) | 2
        out.append(byte ^ (((mixed * (mixed ^ 1)) >> 8) & 0xFF))
        step(byte)
    return bytes(out), crc


def encrypted_zip(texts, password):
    body, directory, n = io.BytesIO(), io.BytesIO(), 0
    for name, text in texts.items():
        data, crc = encrypted(text.encode(), password)
        fields = (20, 1, 0, 0, 0, crc, len(data), len(text.encode()), len(name), 0)
        start = body.tell()
        body.write(b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", *fields) + name.encode() + data)
        directory.write(
            b"PK\x01\x02"
            + struct.pack("<HHHHHHIIIHHHHHII", 20, *fields, 0, 0, 0, 0, start)
            + name.encode()
        )
        n += 1
    end = struct.pack("<HHHHIIH", 0, 0, n, n, len(directory.getvalue()), body.tell(), 0)
    return body.getvalue() + directory.getvalue() + b"PK\x05\x06" + end


def test_without_text_the_words_are_joined(write):
    stories, problems, notices = read(write())
    assert not problems
    assert "words joined by spaces" in notices[0]
    assert [story.text for story in stories] == ["it began so", "the end at last"]
    for story, words in zip(stories, WORDS, strict=True):
        assert [story.text[a:b] for a, b in story.spans] == words


def test_joined_words_of_any_length():
    text, spans = joined_words(["a", "stone's", "throw"])
    assert [text[a:b] for a, b in spans] == ["a", "stone's", "throw"]


@pytest.mark.parametrize("password", ["", "the fox"])
def test_texts_of_a_zip_in_the_order_of_their_numbers(write, tmp_path, password):
    if password:
        (tmp_path / "t.zip").write_bytes(encrypted_zip(TEXTS, password.encode()))
    else:
        with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
            for name, text in TEXTS.items():
                archive.writestr(name, text)
    study = write(f'text = "t.zip"\ntext_password = "{password}"')
    stories, problems, _ = read(study)
    assert not problems
    assert [story.text for story in stories] == ["It began.\nSo.", "The end, at last."]
    assert [stories[1].text[a:b].strip(" .,") for a, b in stories[1].spans] == [
        "The",
        "end",
        "at",
        "last",
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no such file"),
        (b"no zip", "not a whole zip archive"),
        (encrypted_zip(TEXTS, b"other"), "text_password is missing or does not open it"),
        (encrypted_zip({"a1.txt": "x"}, b""), "holds 1 text file(s) where the story has 2 runs"),
    ],
)
def test_zips_that_cannot_be_read(write, tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "t.zip").write_bytes(content)
    stories, problems, _ = read(write('text = "t.zip"'))
    assert stories == [None, None]
    assert len(problems) == 1
    assert sentence in problems[0]


def test_a_section_that_is_not_there(write, tmp_path):
    path = tmp_path / "study.toml"
    write()
    path.write_text(path.read_text().replace("[1, 2]", "[1, 3]"))
    stories, problems, _ = read(read_study(path))
    assert stories[1] is None
    assert "no section 3" in problems[0]
