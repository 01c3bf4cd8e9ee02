"""What all tests of the command line share."""

from collections.abc import Iterator

import pytest

from tests.support.measuring_once import measuring_once


@pytest.fixture(scope="session", autouse=True)
def _measuring_once() -> Iterator[None]:
    with measuring_once():
        yield
