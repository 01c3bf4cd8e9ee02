"""Where a Prometheus is and what it takes to be let in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from analyzer.defaults import DEFAULT_TIMEOUT_SECONDS
from analyzer.errors import UsageError
from analyzer.settings import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where a Prometheus is and what it takes to be let in.

    Everything secret is left out of `repr`, and `url` holds none of it.

    Attributes:
        url: scheme, host, port and path prefix, without a slash at the end.
        token: sent as a bearer token.
        username: for basic authentication, with `password`.
        headers: further headers, such as X-Scope-OrgID for Mimir.
        ca_file: certificates to trust in place of the system's; None: the system's. Certificates
            are always verified.
        client_certificate: file of the certificate shown to the server, if any.
        client_key: file of its key; None: the key is in the same file.
        timeout_seconds: for one request.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = field(default=None, repr=False)
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        """Refuse what http.client would refuse later, with the secret in its message."""
        sent = (self.token or "", *self.headers, *self.headers.values())
        if not all(text.isascii() and text.isprintable() for text in sent):
            raise UsageError(
                "the token or a header holds what no HTTP header can carry: a line break, "
                "another control character, or one outside ASCII"
            )

    @classmethod
    def parse(  # noqa: PLR0913 - one keyword for each way of being let in
        cls,
        url: str,
        *,
        token_file: Path | None = None,
        username: str | None = None,
        password_file: Path | None = None,
        headers: tuple[str, ...] = (),
        ca_file: Path | None = None,
        client_certificate: Path | None = None,
        client_key: Path | None = None,
        timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
        environment: Mapping[str, str] = os.environ,
    ) -> Access:
        """Read what the user gave; secrets come from files or the environment.

        A file's first line is its secret; without it PROMETHEUS_TOKEN, PROMETHEUS_USERNAME and
        PROMETHEUS_PASSWORD of `environment` count, then the `user:password@` of the URL, which is
        moved out of it. Each of `headers` is "Name: value".

        Raises:
            UsageError: if the URL is no http(s) address, a file cannot be read, or a secret
                cannot be sent.
        """
        parts = _split(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        for file in (ca_file, client_certificate, client_key):
            if file is not None and not file.is_file():
                raise UsageError(f"no such file: {file}")
        return cls(
            url=f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}",
            token=_first_line(token_file)
            or environment.get("PROMETHEUS_TOKEN", "").strip()
            or None,
            username=username
            or environment.get("PROMETHEUS_USERNAME")
            or unquote(parts.username or "")
            or None,
            password=_first_line(password_file)
            or environment.get("PROMETHEUS_PASSWORD", "").rstrip("\r\n")
            or unquote(parts.password or "")
            or None,
            headers=dict(map(_header, headers)),
            ca_file=ca_file,
            client_certificate=client_certificate,
            client_key=client_key,
            timeout_seconds=timeout_seconds,
        )


def _split(url: str) -> SplitResult:
    """Take a URL apart; the message repeats no part of it that could be secret."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(
            f"{Setting.URL} is not an http(s) address; it looks like http://prometheus:9090"
        )
    # An @ in the path: a password with a slash in it, which is secret and not part of the path.
    if parts.query or parts.fragment or "@" in parts.path:
        raise UsageError(
            f"{Setting.URL} must end with its path, without ?, # or @: "
            "give secrets in a file or the environment"
        )
    return parts


def _first_line(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        # -sig: some editors begin a file with a mark that is no part of the secret.
        line = path.read_text(encoding="utf-8-sig").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"cannot read {path}: {reason}") from error
    if not line:
        raise UsageError(f"the first line of {path} is empty: the secret must be there")
    return line


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or "\n" in text or "\r" in text:
        raise UsageError(f"{Setting.HEADERS} takes 'Name: value', such as 'X-Scope-OrgID: team-a'")
    return name.strip(), value.strip()
