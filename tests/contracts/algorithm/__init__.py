"""What every built-in algorithm promises on its image face, as functions that take any of them.

A check gets a Subject: the spec, the recipe (tests/contracts/recipes) and a workbench that trains and serves through
the real container process. Trainings are kept, so checks may share them.
"""

from tests.contracts.algorithm import hyperparameters, modes, serving, training

CHECKS = (*hyperparameters.CHECKS, *training.CHECKS, *modes.CHECKS, *serving.CHECKS)
