"""What all tests share."""

import os

from hypothesis import settings

# Tests run side by side on few cores, where threads that wait for each other take many times as long as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("lakemill", deadline=None)  # A busy machine is no fault of the code.
settings.load_profile("lakemill")
