"""The fuzz targets with hypothesis: good bodies, spoiled a little. The long, coverage-guided run is `make fuzz`."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.corpus import SEEDS, WORDS
from tests.fuzz.oracles import TARGETS


def spoiled(name: str) -> st.SearchStrategy[bytes]:
    """A good body with a few edits: bytes put in, cut out, doubled or overwritten."""
    scraps = st.one_of(st.sampled_from(WORDS[name]), st.binary(min_size=1, max_size=6))
    edits = st.tuples(st.floats(0, 1), st.sampled_from(("insert", "cut", "double", "over")), st.integers(1, 12), scraps)

    def spoil(seed: bytes, some: list[tuple[float, str, int, bytes]]) -> bytes:
        body = seed
        for place, how, length, scrap in some:
            at = int(place * len(body))
            if how == "insert":
                body = body[:at] + scrap + body[at:]
            elif how == "cut":
                body = body[:at] + body[at + length :]
            elif how == "double":
                body = body[: at + length] + body[at:]
            else:
                body = body[:at] + scrap + body[at + len(scrap) :]
        return body

    return st.builds(spoil, st.sampled_from(SEEDS[name]), st.lists(edits, max_size=4))


@pytest.mark.parametrize("name", TARGETS)
def test_good_bodies_are_accepted(name: str) -> None:
    from tests.fuzz.oracles import parsed

    kinds = {
        "csv": "text/csv",
        "libsvm": "text/libsvm",
        "json": "application/json",
        "jsonlines": "application/jsonlines",
    }
    for body in SEEDS[name]:
        assert parsed(body, kinds.get(name, "application/x-recordio-protobuf")) is not None, body
        TARGETS[name](body)


@pytest.mark.parametrize("name", TARGETS)
def test_spoiled_bodies_are_refused_or_mean_what_the_reference_says(name: str) -> None:
    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(spoiled(name))
    def check(body: bytes) -> None:
        TARGETS[name](body)

    check()
