"""Region tables that are wrong."""

import pytest

R, S = "s2.txt", "study.toml"
CASES = {
    "there is none": ([(R, "delete")], ["s2.txt: there is no such region table."]),
    "a folder": ([(R, "folder")], ["s2.txt: cannot be read (Is a directory)."]),
    "a link to nothing": ([(R, "link")], ["s2.txt: there is no such region table."]),
    "empty": (
        [(R, "write", "")],
        ["s2.txt: is empty; expected a row per scan, a column per region."],
    ),
    "binary": (
        [(R, "write", b"\x93NUMPY\x01\x00\xff\xfe\0\0")],
        ["s2.txt: is not a text file; expected a table of numbers."],
    ),
    "gzip": ([(R, "gzip")], ["s2.txt: is not a text file; expected a table of numbers."]),
    "a web page": (
        [(R, "write", "<html>\n<body>404 not found</body>\n</html>\n")],
        ["s2.txt, row 1: no column named L, R; the columns are <html>."],
    ),
    "names alone": ([(R, "write", "L R\n")], ["s2.txt: has a line of names but no scans."]),
    "names of other regions": (
        [(R, "prepend", "left right\n")],
        ["s2.txt, row 1: no column named L, R; the columns are left, right."],
    ),
    "a word among the numbers": (
        [(R, "append", "1.5 missing\n")],
        ["s2.txt, row 161: 'missing' is not a number."],
    ),
    "nan": (
        [(R, "append", "1.5 nan\n")],
        ["s2.txt, row 161: region R is nan, not a finite number."],
    ),
    "infinite": (
        [(R, "append", "1e999 2.5\n")],
        ["s2.txt, row 161: region L is inf, not a finite number."],
    ),
    "one column": (
        [(R, "lines", lambda x: [row.split()[0] for row in x])],
        [
            "s2.txt, row 1: 1 values where 2 regions are expected.",
            "s2.txt, row 2: 1 values where 2 regions are expected.",
            "s2.txt, row 3: 1 values where 2 regions are expected.",
        ],
    ),
    "three columns": (
        [(R, "lines", lambda x: [row + " 3" for row in x])],
        [
            "s2.txt, row 1: 3 values where 2 regions are expected.",
            "s2.txt, row 2: 3 values where 2 regions are expected.",
            "s2.txt, row 3: 3 values where 2 regions are expected.",
        ],
    ),
    "a row with one value": (
        [(R, "append", "1.5\n")],
        ["s2.txt, row 161: 1 values where 2 regions are expected."],
    ),
    "cut in the middle of a row": (
        [(R, "cut", 30)],
        ["s2.txt, row 160: 1 values where 2 regions are expected."],
    ),
    "decimal commas": (
        [(R, "lines", lambda x: [row.replace(".", ",") for row in x])],
        [
            "s2.txt, row 1: 4 values where 2 regions are expected; are these decimal commas? Write 1.5 instead of 1,5.",
            "s2.txt, row 2: 4 values where 2 regions are expected; are these decimal commas? Write 1.5 instead of 1,5.",
            "s2.txt, row 3: 4 values where 2 regions are expected; are these decimal commas? Write 1.5 instead of 1,5.",
        ],
    ),
    "fewer scans": (
        [(R, "lines", lambda x: x[:-7])],
        [
            "run 1: s2 have 153 scans where the others have 160; all subjects must have the same scans."
        ],
    ),
    "one scan": (
        [(R, "lines", lambda x: x[:1])],
        ["s2.txt: all values are constant; leave this recording out (list it as excluded)."],
    ),
    "all zero": (
        [(R, "lines", lambda x: ["0 0"] * len(x))],
        ["s2.txt: all values are zero; leave this recording out (list it as excluded)."],
    ),
    "all constant": (
        [(R, "lines", lambda x: [x[0]] * len(x))],
        ["s2.txt: all values are constant; leave this recording out (list it as excluded)."],
    ),
    "one region constant": (
        [(R, "lines", lambda x: [row.split()[0] + " 7" for row in x])],
        ["s2.txt: region R never changes; leave the region or the recording out."],
    ),
    "many faults": (
        [(R, "append", "x y\n" * 200)],
        [
            "s2.txt, row 161: 'x' is not a number.",
            "s2.txt, row 161: 'y' is not a number.",
            "s2.txt, row 162: 'x' is not a number.",
        ],
    ),
    "a subject too many": (
        [(S, "replace", '"s4"]', '"s4", "s5"]')],
        ["s5.txt: there is no such region table."],
    ),
    "a region too many": (
        [
            (S, "append", '[[recordings.regions]]\nname = "M"\n'),
        ],
        [
            "s1.txt, row 1: 2 values where 3 regions are expected.",
            "s1.txt, row 2: 2 values where 3 regions are expected.",
            "s1.txt, row 3: 2 values where 3 regions are expected.",
        ],
    ),
    "all too short": (
        [(f"s{k}.txt", "lines", lambda x: x[:20]) for k in (1, 2, 3, 4)],
        [
            "run 1: 4 block(s) with 20 s trimmed and 8 s at each seam leave 0 scans a block where at least 10 are needed; use fewer blocks or a shorter gap."
        ],
    ),
    "a study of one blank": (
        [(f"s{k}.txt", "write", "\n") for k in (1, 2, 3, 4)],
        [
            "s1.txt: is empty; expected a row per scan, a column per region.",
            "s2.txt: is empty; expected a row per scan, a column per region.",
            "s3.txt: is empty; expected a row per scan, a column per region.",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_region_table(case, study_folder, complains):
    edits, fragments = CASES[case]
    complains(study_folder, edits, 2, fragments)
