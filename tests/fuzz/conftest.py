"""How long and how repeatably the parsers are fuzzed."""

import os

from hypothesis import HealthCheck, settings

# Derandomised: the same examples on every machine, so that a red test stays red. More examples
# for a night with HEMISCALE_FUZZ=5000.
settings.register_profile(
    "parsers",
    max_examples=int(os.environ.get("HEMISCALE_FUZZ", "150")),
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("parsers")
