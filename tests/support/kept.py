"""A few values that tests share, each with what it was made of."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Kept(Generic[_Key, _Value]):
    """The few values that were used last, each with what it was made of."""

    def __init__(self, is_same: Callable[[_Key, _Key], bool], most: int = 8) -> None:
        self._is_same = is_same
        self._values: deque[tuple[_Key, _Value]] = deque(maxlen=most)

    def get(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """Return what was made of the same, or make it."""
        for place, (known, value) in enumerate(self._values):
            if self._is_same(known, key):
                # The least recently used one is the first to go.
                del self._values[place]
                self._values.append((known, value))
                return value
        made = make()
        self._values.append((key, made))
        return made
