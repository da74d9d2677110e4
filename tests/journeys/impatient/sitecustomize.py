"""On the PYTHONPATH of a program under test: what it would wait 5 to 60 s for, it looks at again every second.

The SDKs poll AWS, where a job takes minutes. Nothing else of them is changed.
"""

import sys
import time

LONGEST_S = 1.0
HASTE = 30
"""How much faster time passes for SDK 2.x, which follows a job's log and looks at its state every 30 s only."""

_sleep, _time = time.sleep, time.time
_began = _time()


def _impatient_sleep(seconds: float) -> None:
    _sleep(min(seconds, LONGEST_S))


def _impatient_time() -> float:
    now = _time()
    if sys._getframe(1).f_globals.get("__name__") == "sagemaker.session":
        return _began + (now - _began) * HASTE
    return now


time.sleep, time.time = _impatient_sleep, _impatient_time
