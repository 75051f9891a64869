"""A brain with a planted law, for tests, power and calibration. Everything here is simulated.

Two faces: `simulate_bold` makes time courses of voxels from the features of real models, to run a
whole study on; `simulate_scores` makes the scores themselves, thousands of studies in a minute.
"""

from hemiscale.simulation.bold import SimulatedBrain, SimulatedRun, simulate_bold
from hemiscale.simulation.noise import SmoothNoise

__all__ = [
    "SimulatedBrain",
    "SimulatedRun",
    "SmoothNoise",
    "simulate_bold",
]
