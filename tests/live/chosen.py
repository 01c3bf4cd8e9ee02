"""Which cases of a module were chosen to run: a server need hold no others."""

from typing import Any

import pytest


def asked_for(request: pytest.FixtureRequest, argument: str) -> frozenset[Any]:
    """Return the values of a parameter in the tests of a module that were chosen to run."""
    return frozenset(
        item.callspec.params[argument]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.module is request.module
        and hasattr(item, "callspec")
        and argument in item.callspec.params
    )
