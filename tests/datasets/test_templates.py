import re

import pytest

from hemiscale.datasets import write_template
from hemiscale.datasets.templates import TEMPLATES
from hemiscale.study import read_study

KEY = re.compile(r"^# (?=\[|\w+ = \S)", re.MULTILINE)


@pytest.mark.parametrize("like", TEMPLATES)
def test_keys_that_are_commented_out_are_keys_of_a_study_file(tmp_path, like):
    path = write_template(tmp_path / "study", like)
    plain = read_study(path)
    before, section, after = path.read_text(encoding="utf-8").partition("\n[encoding]\n")
    path.write_text(before + section + KEY.sub("", after), encoding="utf-8")
    study = read_study(path)
    assert study.encoding.dimensions is not None
    assert study.encoding.reduction == "random projection"
    assert study.baselines.word_frequency == "wordfreq"
    assert study.baselines.surprisal
    assert study.competence.table == "competence.tsv"
    assert (plain.encoding.dimensions, plain.competence) == (None, None)
