"""One test of many small cases: to report each of them takes longer than to look at it."""

from collections.abc import Callable, Mapping
from typing import TypeVarTuple

_Case = TypeVarTuple("_Case")


def each(
    cases: Mapping[str, tuple[*_Case]],
) -> Callable[[Callable[[*_Case], None]], Callable[[], None]]:
    """Make one test of a check of cases, each by its name; all that fail are in its report."""

    def of_all(check: Callable[[*_Case], None]) -> Callable[[], None]:
        def test() -> None:
            failed = []
            for name, case in cases.items():
                try:
                    check(*case)
                # `pytest.fail` raises what is no Exception, and ends the test.
                except Exception as error:  # noqa: BLE001 - each is in the report
                    error.add_note(f"Case: {name}")
                    failed.append(error)
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(cases)} cases", failed)

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return of_all
