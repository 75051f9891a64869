"""Word tables, TextGrids and texts that are wrong."""

import io
import zipfile

import pytest

W, T, S = "words.csv", "text.txt", "study.toml"
TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
320
<exists>
1
"IntervalTier"
"words"
0
320
2
0
1
"Alice"
1
320
"ran"
"""


def zipped(**files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_txt", ".txt"), content)
    return stream.getvalue()


def as_textgrid(*edits):
    return [(S, "replace", 'words = "words.csv"', 'words = "words.TextGrid"'), *edits]


def as_zip(content):
    return [(S, "replace", '"text.txt"', '"text.zip"'), ("text.zip", "write", content)]


CASES = {
    "there is no table": ([(W, "delete")], ["words.csv: there is no such file."]),
    "table is a folder": ([(W, "folder")], ["words.csv: cannot be read (Is a directory)."]),
    "table is a link to nothing": ([(W, "link")], ["words.csv: there is no such file."]),
    "table is empty": ([(W, "write", "")], ["words.csv: the table is empty."]),
    "table is blank lines": ([(W, "write", "\n\n\n")], ["words.csv: the table is empty."]),
    "header alone": ([(W, "write", "word,onset,offset\n")], ["words.csv: holds no words."]),
    "no header": (
        [(W, "lines", lambda x: x[1:])],
        [
            "words.csv, row 1: expected a header with columns word, onset, and offset or duration; found 'looked', '0.6640250967589454', '0.8640250967589453'."
        ],
    ),
    "header in another language": (
        [(W, "replace", "word,onset,offset", "mot,debut,fin")],
        [
            "words.csv, row 1: expected a header with columns word, onset, and offset or duration; found 'mot', 'debut', 'fin'."
        ],
    ),
    "no offset": (
        [(W, "replace", "offset", "finish")],
        [
            "words.csv, row 1: expected a header with columns word, onset, and offset or duration; found 'word', 'onset', 'finish'."
        ],
    ),
    "a web page": (
        [(W, "write", "<!DOCTYPE html><html><body>404</body></html>")],
        [
            "words.csv, row 1: expected a header with columns word, onset, and offset or duration; found '<!DOCTYPE html><html><body>404</body></html>'."
        ],
    ),
    "an excel file": (
        [(W, "write", b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00")],
        ["words.csv: not a text file (it holds zero bytes); save it as UTF-8 text."],
    ),
    "gzip": ([(W, "gzip")], ["words.csv, row 1: not UTF-8 text; save the file as UTF-8."]),
    "latin-1": (
        [(W, "append", "caf\xe9,310,311\n".encode("latin-1"))],
        ["words.csv, row 339: not UTF-8 text; save the file as UTF-8."],
    ),
    "zero bytes": (
        [(W, "append", b"x\0,310,311\n")],
        ["words.csv: not a text file (it holds zero bytes); save it as UTF-8 text."],
    ),
    "no number": (
        [(W, "append", "late,soon,311\n")],
        ["words.csv, row 339: the onset 'soon' is not a number (seconds)."],
    ),
    "decimal commas": (
        [(W, "append", 'late,"310,5","311,5"\n')],
        [
            "words.csv, row 339: the onset '310,5' is not a number (seconds).",
            "words.csv, row 339: the offset '311,5' is not a number (seconds).",
        ],
    ),
    "nan": (
        [(W, "append", "late,nan,311\n")],
        ["words.csv, row 339: the onset 'nan' is not a number (seconds)."],
    ),
    "infinite": (
        [(W, "append", "late,310,inf\n")],
        ["words.csv, row 339: the offset 'inf' is not a number (seconds)."],
    ),
    "no time": (
        [(W, "append", "late,,\n")],
        [
            "words.csv, row 339: the onset '' is not a number (seconds).",
            "words.csv, row 339: the offset '' is not a number (seconds).",
        ],
    ),
    "no word": ([(W, "append", ",315,316\n")], ["words.csv, row 339: the word is empty."]),
    "ends before it begins": (
        [(W, "append", "late,316,315\n")],
        ["words.csv, row 339: 'late' ends (315 s) before it begins (316 s)."],
    ),
    "goes back in time": (
        [(W, "append", "late,1,2\n")],
        [
            "words.csv, row 339: the onset 1 s is before that of row 338 (313.47 s); words must be in the order in which they are heard."
        ],
    ),
    "too few columns": ([(W, "append", "late\n")], ["words.csv, row 339: has too few columns."]),
    "cut in the middle of a row": ([(W, "cut", 30)], ["words.csv, row 338: has too few columns."]),
    "milliseconds": (
        [
            (
                W,
                "lines",
                lambda x: (
                    [x[0]]
                    + [
                        ",".join(
                            [r.split(",")[0], *(str(float(c) * 1000) for c in r.split(",")[1:])]
                        )
                        for r in x[1:]
                    ]
                ),
            )
        ],
        [
            "words.csv: the first word starts after the last scan of run 1 (320 s); are the times in seconds from the first scan?"
        ],
    ),
    "all after the scans": (
        [
            (W, "write", "word,onset,offset\nAlice,1000,1001\nran,1002,1003\n"),
            (T, "write", "Alice ran"),
        ],
        [
            "words.csv: the first word starts after the last scan of run 1 (320 s); are the times in seconds from the first scan?"
        ],
    ),
    "the first minute only": (
        [
            (W, "lines", lambda x: x[:60]),
            (T, "lines", lambda x: [" ".join(x[0].split()[:59])]),
        ],
        [
            "words.csv: the last word ends at 58.3 s but run 1 lasts 320 s; are the times in seconds, and is this the right run?"
        ],
    ),
    "many faults": (
        [(W, "append", "a,b,c\n" * 100)],
        [
            "words.csv, row 339: the onset 'b' is not a number (seconds).",
            "words.csv, row 339: the offset 'c' is not a number (seconds).",
            "words.csv, row 340: the onset 'b' is not a number (seconds).",
        ],
    ),
    "another story": (
        [(T, "write", "It was a bright cold day in April. " * 40)],
        ["245 of 337 words (72.7%) have no counterpart in the text, more than the 3% allowed"],
    ),
    "no text": ([(T, "delete")], ["text.txt: there is no such file."]),
    "text is a folder": ([(T, "folder")], ["text.txt: cannot be read (Is a directory)."]),
    "text is empty": (
        [(T, "write", "")],
        ["text.txt: the text is empty; it should hold the words of the story."],
    ),
    "text is punctuation": (
        [(T, "write", " .,;\n")],
        ["text.txt: the text is empty; it should hold the words of the story."],
    ),
    "text is a pdf": (
        [(T, "write", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj")],
        ["text.txt, row 2: not UTF-8 text; save the file as UTF-8."],
    ),
    "text is utf-16 without mark": (
        [(T, "write", "Alice".encode("utf-16-le"))],
        ["text.txt: not a text file (it holds zero bytes); save it as UTF-8 text."],
    ),
    "text is cut to a half": (
        [(T, "lines", lambda x: [x[0][: len(x[0]) // 2]])],
        ["165 of 337 words (49.0%) have no counterpart in the text, more than the 3% allowed"],
    ),
    "a TextGrid that is not there": (as_textgrid(), ["words.TextGrid: there is no such file."]),
    "a TextGrid cut off": (
        as_textgrid(("words.TextGrid", "write", TEXTGRID[:-20])),
        ["words.TextGrid: not a complete Praat TextGrid in text format."],
    ),
    "a TextGrid that promises too much": (
        as_textgrid(("words.TextGrid", "write", TEXTGRID.replace("\n2\n", "\n99999999\n"))),
        ["words.TextGrid: not a complete Praat TextGrid in text format."],
    ),
    "a TextGrid of phones": (
        as_textgrid(
            (
                "words.TextGrid",
                "write",
                TEXTGRID.replace("<exists>\n1", "<exists>\n2").replace('"words"', '"phones"')
                + '"IntervalTier"\n"syllables"\n0\n320\n1\n0\n320\n"Al"\n',
            )
        ),
        ["words.TextGrid: has no tier named 'words'; its interval tiers: 'phones', 'syllables'."],
    ),
    "a TextGrid with negative times": (
        as_textgrid(("words.TextGrid", "write", TEXTGRID.replace("\n1\n320", "\n-1\n320"))),
        [
            "words.TextGrid, interval 2: the onset -1 s is before that of interval 1 (0 s); words must be in the order in which they are heard."
        ],
    ),
    "a TextGrid without words": (
        as_textgrid(
            ("words.TextGrid", "write", TEXTGRID.replace('"Alice"', '""').replace('"ran"', '"sp"'))
        ),
        ["words.TextGrid: holds no words."],
    ),
    "a binary TextGrid": (
        as_textgrid(("words.TextGrid", "write", b"ooBinaryFile\x08TextGrid\0\0")),
        ["words.TextGrid: not a text file (it holds zero bytes); save it as UTF-8 text."],
    ),
    "a zip that is none": (
        as_zip(b"not a zip"),
        ["text.zip: not a whole zip archive (File is not a zip file)."],
    ),
    "a zip without texts": (
        as_zip(zipped(readme="x")),
        ["text.zip: holds 0 text file(s) where the story has 1 runs."],
    ),
    "a zip of too many texts": (
        as_zip(zipped(a_txt="a", b_txt="b")),
        ["text.zip: holds 2 text file(s) where the story has 1 runs."],
    ),
    "a zip cut off": (
        as_zip(zipped(a_txt="Alice ran " * 100)[:-30]),
        ["text.zip: not a whole zip archive (File is not a zip file)."],
    ),
    "a zip with a flipped byte": (
        as_zip(
            zipped(a_txt="Alice ran " * 100)[:45] + b"\xff" + zipped(a_txt="Alice ran " * 100)[46:]
        ),
        [
            "text.zip: not a whole zip archive (Error -3 while decompressing data: invalid distance too far back)."
        ],
    ),
    "a zip that unpacks to gigabytes": (
        as_zip(zipped(**{f"{k}_txt": b"\0" * 25_000_000 for k in range(5)})),
        ["text.zip: its texts are larger than any story; is it the right zip?"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_story(case, study_folder, complains):
    edits, fragments = CASES[case]
    complains(study_folder, edits, 2, fragments)
