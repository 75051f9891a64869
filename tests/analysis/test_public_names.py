import subprocess
import sys

import hemiscale.analysis as analysis


def test_every_public_name_is_there_and_documented():
    assert set(analysis.__all__) == set(analysis._HOME)
    for name in analysis.__all__:
        thing = getattr(analysis, name)
        assert thing.__doc__, name
    assert "scaling_law" in dir(analysis)
    assert not hasattr(analysis, "no_such_name")


def test_importing_the_room_is_cheap_and_names_are_functions_not_modules():
    code = (
        "import sys, hemiscale.analysis as a\n"
        "heavy = {'scipy', 'pandas', 'xarray', 'torch', 'statsmodels'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import hemiscale.analysis.hemispheres\n"
        "from hemiscale.analysis import asymmetry, brain_score, scaling_law, slope_maps\n"
        "assert all(callable(f) for f in (asymmetry, brain_score, scaling_law, slope_maps))\n"
        "assert 'statsmodels' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
