"""What unit tests share. `clock` is each folder's own: the system's, or one that moves when told to."""

import pytest

from lakemill.ports.metadata import EmbeddedMetadata


@pytest.fixture
def metadata(tmp_path, clock):
    """A store of documents of the test's own."""
    store = EmbeddedMetadata(tmp_path / "metadata.sqlite", clock)
    yield store
    store.close()
