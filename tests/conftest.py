"""What all tests share."""

from hypothesis import settings

settings.register_profile("lakemill", deadline=None)  # A busy machine is no fault of the code.
settings.load_profile("lakemill")
