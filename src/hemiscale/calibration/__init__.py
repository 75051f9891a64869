"""Do the intervals hold what they say? Counted on simulated studies."""

from hemiscale.calibration.run import calibrate

__all__ = ["calibrate"]
