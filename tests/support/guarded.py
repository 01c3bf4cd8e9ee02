"""A real Prometheus that wants TLS, a password, or both."""

import json
from pathlib import Path
from typing import Any

import requests

from tests.support.certificates import Identity
from tests.support.prometheus import PrometheusServer

USER, PASSWORD = "me", "s3cret"
_HASH = "$2b$04$cfsK7C7vSw2snBtF3XItWuvf9VNuFNxl1Jmt5NuXHpE3Lpew4dtba"
"""Of the password, by bcrypt."""


class GuardedPrometheus(PrometheusServer):
    """A Prometheus with a --web.config.file; `url` is as a user would have to give it."""

    def __init__(
        self, folder: Path, *, identity: Identity | None = None, wants_password: bool = False
    ) -> None:
        """Serve TLS with a certificate, if any, and only `USER` if a password is wanted."""
        settings = folder / "web.json"
        super().__init__(folder, flags=(f"--web.config.file={settings}",))
        folder.mkdir(parents=True, exist_ok=True)
        document: dict[str, Any] = {}
        if identity:
            files = {"cert_file": str(identity.certificate), "key_file": str(identity.key)}
            document["tls_server_config"] = files
        if wants_password:
            document["basic_auth_users"] = {USER: _HASH}
        # JSON is YAML too.
        settings.write_text(json.dumps(document))
        self._identity = identity

    def start(self) -> None:
        """Start the server and wait until it answers; return with `url` set."""
        super().start()
        self.url = self._own_url

    @property
    def _own_url(self) -> str:
        return self.url.replace("http://", "https://") if self._identity else self.url

    def _get(self, path: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            verify = str(self._identity.certificate) if self._identity else True
            return session.get(
                f"{self._own_url}{path}", auth=(USER, PASSWORD), verify=verify, timeout=5
            )
