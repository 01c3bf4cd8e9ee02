"""Names of files and folders from names that come from outside: harmless, and never the same."""

import hashlib
import re
from typing import Final

_ALLOWED: Final = re.compile(r"[a-z0-9.-]")
_MOST_LETTERS: Final = 180
"""File systems allow 255 bytes, of which the digest and the ending take some."""

_DIGEST_LETTERS: Final = 16


def file_name(*parts: str) -> str:
    """Return a name that no other parts have, without its ending.

    Letters besides lower case, digits, dots and hyphens are written as their bytes: file systems
    may ignore case, and "/" would begin a folder.

    >>> file_name("shop", "cart", "Deployment".lower())
    'shop_cart_deployment'
    >>> file_name("a_b", "c"), file_name("..", "../x"), file_name("Cart")
    ('a+5fb_c', '+2e+2e_+2e+2e+2fx', '+43art')
    """
    name = "_".join(map(_harmless, parts))
    if len(name) <= _MOST_LETTERS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LETTERS]
    # No short name has a tilde.
    return f"{name[:_MOST_LETTERS]}~{digest}"


def _harmless(part: str) -> str:
    # A dot at the start hides a file or leads to another folder; some systems drop one at the end.
    core = part.strip(".")
    start = part.index(core) if core else len(part)
    ends = "+2e" * start, "+2e" * (len(part) - start - len(core))
    return f"{ends[0]}{''.join(map(_letter, core))}{ends[1]}"


def _letter(letter: str) -> str:
    if _ALLOWED.fullmatch(letter):
        return letter
    return "".join(f"+{byte:02x}" for byte in letter.encode("utf-8", "surrogatepass"))
