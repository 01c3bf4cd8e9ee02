"""Certificates that the lab's proxies show one another, made at its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import trustme

__all__ = ["Certificates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """One authority, and one certificate for all: who is who does not matter to what it costs."""

    authority: Path
    chain: Path
    key: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Write them into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        leaf = authority.issue_cert("lab.local")
        made = cls(
            authority=folder / "authority.pem", chain=folder / "chain.pem", key=folder / "key.pem"
        )
        authority.cert_pem.write_to_path(made.authority)
        leaf.cert_chain_pems[0].write_to_path(made.chain)
        leaf.private_key_pem.write_to_path(made.key)
        return made

    @property
    def context(self) -> Mapping[str, Any]:
        """Envoy's settings of them, for either end."""
        return {
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": str(self.chain)},
                    "private_key": {"filename": str(self.key)},
                }
            ],
            "validation_context": {"trusted_ca": {"filename": str(self.authority)}},
        }
