"""Where a line may not be broken: between a number and its unit."""

import re
from typing import Final

_UNITS: Final = (
    r"%|vCPUs?|[KMG]iB(?:-months?)?|Gbit(?:/s)?|(?:proxy |mesh )?requests?(?:/s)?|calls/s|rps|USD"
    r"|ms|s|min|h|days?"
)

_NUMBER_AND_UNIT: Final = re.compile(rf"(?<=[\d\])]) (?=(?:{_UNITS})(?![\w-]))")

NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def unbroken(text: str) -> str:
    r"""Return a text whose lines are never broken between a number and its unit.

    >>> unbroken("68 % of 0.401 vCPU in 6 namespaces")
    '68\xa0% of 0.401\xa0vCPU in 6 namespaces'
    """
    return _NUMBER_AND_UNIT.sub(NO_BREAK, text)
