import pytest

from hemiscale.errors import InputError
from hemiscale.stimulus import read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marks_and_line_ends_go_and_all_else_stays(tmp_path, encoding):
    path = tmp_path / "text.txt"
    path.write_bytes("“Ça,”\r\n  dit-il…\r\n\r\n小王子\r".encode(encoding))
    assert read_text(path) == "“Ça,”\n  dit-il…\n\n小王子\n"


@pytest.mark.parametrize("content", ["", " \n\t\n", "…“”\n", "\ufeff"])
def test_a_text_without_a_word_is_empty(tmp_path, content):
    path = tmp_path / "text.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"text\.txt: the text is empty"):
        read_text(path)


def test_what_is_no_text(tmp_path):
    path = tmp_path / "text.txt"
    with pytest.raises(InputError, match="there is no such file"):
        read_text(path)
    path.write_bytes(b"caf\xe9 au lait")
    with pytest.raises(InputError, match="row 1: not UTF-8"):
        read_text(path)
    path.write_bytes(b"\x00\x01\x02")
    with pytest.raises(InputError, match="not a text file"):
        read_text(path)
