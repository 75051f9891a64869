import numpy as np
import pytest

from hemiscale.errors import InputError
from hemiscale.pipeline.competence import read_competence
from hemiscale.study import read_study

MODELS = ["gpt2", "opt-125m", "word-rate"]


@pytest.fixture
def study_with(study_folder):
    def write(table):
        path = study_folder / "study.toml"
        path.write_text(path.read_text() + '\n[competence]\ntable = "competence.tsv"\n')
        if table is not None:
            (study_folder / "competence.tsv").write_text(table, encoding="utf-8")
        return read_study(path)

    return write


def test_columns_by_model(study_with):
    study = study_with(
        "\ufeffmodel\tHellaSwag\tBLiMP\ngpt2\t0.31\t\nopt-125m\t0.29\t0.8\nother\t1\t1\n"
    )
    assert read_competence(study, MODELS) == {
        "HellaSwag": {"gpt2": 0.31, "opt-125m": 0.29},
        "BLiMP": {"opt-125m": 0.8},
    }


def test_no_table_no_columns(study_folder):
    assert read_competence(read_study(study_folder / "study.toml"), MODELS) == {}


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (None, "cannot be read"),
        ("", "row 1: expected a column 'model'"),
        ("name\tHellaSwag\ngpt2\t1\n", "row 1: expected a column 'model'"),
        ("model\tparameters\ngpt2\t1\n", "'parameters' is a column of models.tsv; rename it"),
        ("model\tx\tx\ngpt2\t1\t1\n", "columns need names, each another one"),
        ("model\tx\ngpt2\tmany\n", "row 2: the x 'many' of 'gpt2' is not a number"),
        ("model\tx\ngpt2\tinf\n", "row 2: the x 'inf' of 'gpt2' is not a number"),
        ("model\tx\ngpt2\n", "row 2: has 1 cells, not 2"),
        ("model\tx\ngpt2\t1\ngpt2\t2\n", "row 3: the model 'gpt2' stands twice"),
        ("model\tx\nGPT2\t1\n", "none of its models is one of the study's .gpt2, opt-125m"),
    ],
)
def test_what_is_wrong_has_its_sentence(study_with, table, sentence):
    with pytest.raises(InputError, match=sentence):
        read_competence(study_with(table), MODELS)


def test_columns_end_up_in_the_table_the_dictionary_and_the_laws():
    from hemiscale.analysis.dictionary import dictionary_text
    from hemiscale.analysis.table_rows import models_table

    assert "| `HellaSwag` | from the user's own table |" in dictionary_text(["HellaSwag"])
    assert models_table([], {"HellaSwag": {}}).columns[-1] == "HellaSwag"


@pytest.mark.slow
def test_a_study_with_a_column_of_its_own(study_folder):
    import pandas as pd

    from hemiscale.pipeline import run_study

    path = study_folder / "study.toml"
    path.write_text(path.read_text() + '\n[competence]\ntable = "mine.csv"\n', encoding="utf-8")
    (study_folder / "mine.csv").write_text("model,taste\nword-rate,0.5\n", encoding="utf-8")
    run_study(read_study(path), study_folder / "out")
    models = pd.read_csv(study_folder / "out" / "tables" / "models.tsv", sep="\t")
    taste = models.set_index("model")["taste"]
    assert taste["word-rate"] == 0.5
    assert np.isnan(taste.drop("word-rate")).all()
