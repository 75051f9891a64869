import numpy as np
import pytest

from hemiscale.brain import read_region_table
from hemiscale.errors import InputError

VALUES = np.random.default_rng(0).normal(size=(5, 2))


@pytest.mark.parametrize("separator", ["   ", "\t", ",", ", ", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_separator(tmp_path, separator, end):
    path = tmp_path / "t.txt"
    text = end.join(separator.join(f"{v:.17g}" for v in row) for row in VALUES)
    path.write_bytes(text.encode())
    np.testing.assert_array_equal(read_region_table(path, ["L", "R"]), VALUES)


def test_columns_by_name(tmp_path):
    path = tmp_path / "t.tsv"
    rows = "\n".join(f"{a:.17g}\t0{k}\t{b:.17g}" for k, (a, b) in enumerate(VALUES))
    path.write_text("\ufeffR\tother\tL\n" + rows, encoding="utf-8")
    np.testing.assert_array_equal(read_region_table(path, ["L", "R"]), VALUES[:, ::-1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n3 4 5\n", "row 2: 3 values where 2"),
        ("1 2\n\n3 x\n", "row 3: 'x' is not a number"),
        ("1 2\n3 nan\n", "row 2: region R is nan"),
        ("1 2\ninf 3\n", "row 2: region L is inf"),
        ("0 0\n0 0\n", "all values are zero; leave this recording out"),
        ("1 2\n1 3\n", "region L never changes"),
        ("", "is empty"),
        ("L Q\n1 2\n", "no column named R"),
        ("L R\n", "no scans"),
    ],
)
def test_bad_tables_say_what_and_where(tmp_path, text, message):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_region_table(path, ["L", "R"])
    assert str(path) in str(caught.value)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(InputError, match="no such region table"):
        read_region_table(tmp_path / "none.txt", ["L"])
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="not a text file"):
        read_region_table(tmp_path / "b.txt", ["L"])


def test_many_problems_are_cut_short(tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("x y\n" * 3 + "1 2\n" + "a 1\n" * 50)
    with pytest.raises(InputError) as caught:
        read_region_table(path, ["L", "R"])
    assert len(caught.value.problems) <= 11
