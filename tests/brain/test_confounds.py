import numpy as np
import pytest

from hemiscale.brain import read_confounds
from hemiscale.errors import InputError

TABLE = "trans_x\ttrans_x_derivative1\twhite_matter\n0.1\tn/a\t5\n0.2\t0.1\t6\n0.4\t0.2\t7\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "sub-a_desc-confounds_timeseries.tsv"
    path.write_text(TABLE)
    return path


def test_columns_by_name_and_first_derivative_zero(path):
    values = read_confounds(path, ["white_matter", "trans_x_derivative1"])
    np.testing.assert_array_equal(values, [[5, 0], [6, 0.1], [7, 0.2]])


def test_what_is_missing_is_said(path, tmp_path):
    with pytest.raises(InputError, match="no confound named 'white_mater'; did you mean 'white_"):
        read_confounds(path, ["white_mater"])
    path.write_text(TABLE.replace("0.2\t7", "n/a\t7"))
    with pytest.raises(InputError, match="row 4: confound 'trans_x_derivative1' is not a finite"):
        read_confounds(path, ["trans_x_derivative1"])
    with pytest.raises(InputError, match="no such file of confounds"):
        read_confounds(tmp_path / "none.tsv", ["a"])
    path.write_text("a\tb\n1\t2\t3\t4\n1\n1\t2\t3\t4\t5\t6\n")
    with pytest.raises(InputError, match="not a tab-separated table"):
        read_confounds(path, ["a"])
