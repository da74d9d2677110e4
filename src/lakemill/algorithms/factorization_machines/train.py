"""Training: channels in, `model_algo-1` (a zip around an NDArray file) out, with the log lines of the built-in."""

import time

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines import artifact, records
from lakemill.algorithms.factorization_machines.adam import AdamState, Rates
from lakemill.algorithms.factorization_machines.fitting import BLOCK_ROWS, AdamPasses, KalmanPasses, Passes
from lakemill.algorithms.factorization_machines.kalman import KalmanState
from lakemill.algorithms.factorization_machines.metrics import Tally
from lakemill.algorithms.factorization_machines.model import FactorizationModel
from lakemill.algorithms.factorization_machines.spec import OPTIMIZER
from lakemill.algorithms.factorization_machines.starts import starts
from lakemill.algorithms.training import totals

SEED = 0


def train(context: TrainingContext) -> None:
    """Fit and write the artifact. Raises CustomerError."""
    passes = _passes(context)
    began = time.perf_counter()
    passes.run()
    context.log.throughput(passes.report.seen / max(time.perf_counter() - began, 1e-9))
    model = passes.state.model()
    _test(context, model)
    if context.collective.rank == 0:
        artifact.save(model, context.model_file(), context.hyperparameters)


def _passes(context: TrainingContext) -> Passes:
    """The solver: Adam where one of its hyperparameters is given, else the Kalman filter, which has none."""
    settings = context.hyperparameters
    shape = settings["feature_dim"], settings["num_factors"], settings["predictor_type"]
    options = {name: settings[name] for name in ("use_bias", "use_linear")}
    options |= {"seed": SEED, "collective": context.collective}
    given = [name for name in OPTIMIZER if name in context.given]
    if given:
        context.log.info(f"Solver: Adam, because {', '.join(given)} is given")
        return AdamPasses(context, AdamState(*shape, Rates.of(settings), starts(settings), **options))
    context.log.info("Solver: diagonal extended Kalman filter; Adam where a learning rate or weight decay is given")
    return KalmanPasses(context, KalmanState(*shape, starts=starts(settings, context.given), **options), SEED)


def _test(context: TrainingContext, model: FactorizationModel) -> None:
    channel = context.channels.get("test")
    if channel is None:
        context.log.info("Test data is not provided.")
        return
    tally = Tally(model.predictor_type)
    for block in channel.blocks(BLOCK_ROWS):
        features, labels = records.checked(block, model.dim, model.predictor_type)
        tally.add(model.margins(features), labels)
    tally.sums[:] = totals(context.collective, tally.sums.tolist())
    if not tally.records:
        raise CustomerError("The test channel holds no records")
    for name, value, kind in tally.metrics():
        context.log.score("test", name, value)
        context.log.quality(f"test {name}", value, kind=kind)
