"""A brain with a planted law, for tests, power and calibration. Everything here is simulated.

Two faces: `simulate_bold` makes time courses of voxels from the features of real models, to run a
whole study on; `ScoreSimulator` makes the scores themselves, thousands of studies in minutes.
"""

from hemiscale.simulation.attainable import attainable_scores
from hemiscale.simulation.bold import SimulatedBrain, SimulatedRun, simulate_bold
from hemiscale.simulation.noise import SmoothNoise
from hemiscale.simulation.scores import PlantedLaw, ScoreSimulator, SimulatedScores

__all__ = [
    "PlantedLaw",
    "ScoreSimulator",
    "SimulatedBrain",
    "SimulatedRun",
    "SimulatedScores",
    "SmoothNoise",
    "attainable_scores",
    "simulate_bold",
]
