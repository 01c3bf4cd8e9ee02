"""The address of a Prometheus and the credentials for it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from analyzer.defaults import DEFAULT_MAX_ANSWER_MIB, DEFAULT_TIMEOUT_SECONDS
from analyzer.errors import UsageError
from analyzer.files import MIB, read_text, require_regular
from analyzer.prometheus.address import parse_address
from analyzer.prometheus.secret_path import secrets_in, without_secrets
from analyzer.settings import Setting

_TENANT = re.compile("tenant|org-?id|account-?id|project-?id", re.IGNORECASE)
"""Names of headers that choose a tenant: X-Scope-OrgID of Mimir, THANOS-TENANT, AccountID of
VictoriaMetrics. Their values are no secret."""

_SECRET = re.compile(
    "authori[sz]ation|(^|-)auth$|cookie|token|secret|passw|key|credential|session|signature|jwt"
    "|assertion|access-client",
    re.IGNORECASE,
)
"""Names of headers whose values are renewed while the data stay the same."""

_TECHNICAL = re.compile(
    "user-agent|accept(-.*)?|connection|content-.*|cache-control|pragma|referer|origin|trace.*"
    "|(x-)?(request-id|correlation-id|b3-.*|forwarded-(for|proto|port)|real-ip)",
    re.IGNORECASE,
)
"""Names of headers that are about the request. All others, but secrets, may choose data: the names
of tenants, teams and data sources differ from one proxy to the next."""

_HASH_ROUNDS = 200_000
"""Makes each guess at the name of a tenant cost about 0.1 s."""

_MOST_CERTIFICATE_BYTES = 16 * MIB
"""Of a file: the certificates of every public authority have 0.3 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The address of a Prometheus and the credentials for it.

    Everything secret is left out of `repr`, and `url` holds none of it.

    Attributes:
        url: scheme, host, port and path prefix, without a slash at the end. It is what is shown and
            written: a secret in its path is ***.
        sent_url: the same as it is used, with such secrets.
        token: sent as a bearer token.
        username: for basic authentication, with `password`.
        headers: further headers, such as X-Scope-OrgID for Mimir.
        ca_file: certificates to trust in place of the system's; None: the system's. Certificates
            are always verified.
        client_certificate: file of the certificate shown to the server, if any.
        client_key: file of its key; None: the key is in the same file.
        timeout_seconds: for one request, from its connection to the end of its answer.
        deadline_seconds: for all requests of one connection; None: as long as it takes.
        max_answer_mib: the largest answer that is read, decompressed.
        remark: a sentence on how `url` differs from the address that was given; "" if it does not.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = field(default=None, repr=False)
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    deadline_seconds: float | None = None
    max_answer_mib: int = DEFAULT_MAX_ANSWER_MIB
    remark: str = ""
    sent_url: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Hide secrets of the path, and refuse what http.client would show in its message."""
        if not self.sent_url or without_secrets(self.sent_url) != self.url:
            object.__setattr__(self, "sent_url", self.url)
            object.__setattr__(self, "url", without_secrets(self.url))
        sent = (self.token or "", *self.headers, *self.headers.values())
        if not all(text.isascii() and text.isprintable() for text in sent):
            raise UsageError(
                "The token or a header holds a character that no HTTP header can carry: "
                "a control character such as a line break, or one outside ASCII."
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
        deadline_seconds: int | None = None,
        max_answer_mib: int = DEFAULT_MAX_ANSWER_MIB,
        environment: Mapping[str, str] = os.environ,
    ) -> Access:
        """Read the user's settings; secrets come from files or the environment.

        The secret is the first line of its file. Without a file, PROMETHEUS_TOKEN,
        PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD of `environment` count, then the
        `user:password@` of the URL, which is moved out of it. Each of `headers` is "Name: value".

        Raises:
            UsageError: if the URL is no http(s) address, or lacks a scheme and credentials are
                given for another machine; if a file cannot be read, or a secret cannot be sent.
        """
        address = parse_address(url)
        for file in (ca_file, client_certificate, client_key):
            if file is not None:
                _require_file(file)
        access = cls(
            url=address.url,
            token=_first_line(token_file)
            or environment.get("PROMETHEUS_TOKEN", "").strip()
            or None,
            username=username
            or environment.get("PROMETHEUS_USERNAME")
            or unquote(address.username)
            or None,
            password=_first_line(password_file)
            or environment.get("PROMETHEUS_PASSWORD", "").rstrip("\r\n")
            or unquote(address.password)
            or None,
            headers=dict(map(_header, headers)),
            ca_file=ca_file,
            client_certificate=client_certificate,
            client_key=client_key,
            timeout_seconds=timeout_seconds,
            deadline_seconds=deadline_seconds,
            max_answer_mib=max_answer_mib,
            remark=address.remark.replace(address.url, without_secrets(address.url)),
        )
        if address.is_scheme_assumed and not address.is_loopback and access.needs_privacy:
            # Whoever assumed http here would send a secret in the clear.
            raise UsageError(
                f"{Setting.URL} has no scheme, and credentials or certificates are given. "
                "Begin it with https://, or with http:// to send them unencrypted."
            )
        return access

    @property
    def tenant(self) -> str:
        """A slow hash of the user, the path's secrets and the headers that may choose data, or "".

        Two users or tenants of one server may see different data. Passwords, tokens, cookies and
        certificates do not count: they are renewed while the data stay the same. The salt is the
        address, so that the same question has the same hash.
        """
        sent = [f"{name.lower()}: {self.headers[name]}" for name in filter(_chooses, self.headers)]
        if self.username and not self.token:
            sent.append(self.username)
        sent += [f"/{secret}" for secret in secrets_in(self.sent_url)]
        if not sent:
            return ""
        text, salt = "\n".join(sorted(sent)).encode(), self.url.encode()
        return hashlib.pbkdf2_hmac("sha256", text, salt, _HASH_ROUNDS, dklen=8).hex()

    @property
    def needs_privacy(self) -> bool:
        """Whether anything is given that makes sense over TLS only."""
        secret_headers = [name for name in self.headers if not _TENANT.search(name)]
        given = (self.token, self.username, self.password, secret_headers, self.ca_file)
        return any(given) or self.client_certificate is not None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be in no text."""
        values = (
            *(self.token, self.password, *self.headers.values()),
            *secrets_in(self.sent_url),
        )
        return tuple(value for value in values if value)


def _chooses(header: str) -> bool:
    """Return whether a header may choose data and is no secret."""
    return not _SECRET.search(header) and not _TECHNICAL.fullmatch(header)


def _require_file(path: Path) -> None:
    """Refuse what is no file of certificates or of a key; raises UsageError."""
    try:
        require_regular(path, _MOST_CERTIFICATE_BYTES)
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error


def _first_line(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        line = read_text(path).partition("\n")[0].strip()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    if not line:
        raise UsageError(f"The first line of {path} is empty. Put the secret there.")
    return line


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or "\n" in text or "\r" in text:
        raise UsageError(f"{Setting.HEADERS} takes 'Name: value', such as 'X-Scope-OrgID: team-a'.")
    return name.strip(), value.strip()
