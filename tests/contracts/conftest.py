"""What is for every day: the costly checks of algorithms run on one of them, on the others in test-all."""

import pytest

COSTLY = (
    *("two_hosts_train_one_model", "killed_and_begun_again_it_gives_the_same_model"),
    *("a_host_may_have_no_records", "no_records_on_any_host_fail_the_job"),
)
EVERY_DAY = ("xgboost",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not isinstance(item, pytest.Function) or item.originalname != "test_algorithm":
            continue
        chosen = item.callspec.params
        if chosen["check"].__name__ in COSTLY:
            item.add_marker(pytest.mark.long if chosen["subject"].name in EVERY_DAY else pytest.mark.slow)
