"""How many examples a property is tried with."""

from hypothesis import settings


def examples(part: int) -> settings:
    """Return settings for one of so many parts of the profile's examples; `make bench` has more."""
    return settings(max_examples=settings().max_examples // part)
