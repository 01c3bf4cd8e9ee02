"""All Envoys of the lab, started so that each knows the addresses of those it calls."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path as Folder
from typing import Final, Self

from tests.lab.accounting import cpu_seconds
from tests.lab.certificates import Certificates
from tests.lab.envoy import Envoy, EnvoyStartError
from tests.lab.envoy_settings import (
    Listening,
    Settings,
    answering,
    passing,
    sealed,
    upstream,
)
from tests.lab.topology import BACKEND, CHAINS, IDLE, Chain, Path, Proxy, proxies

__all__ = ["LabMesh", "Spent", "completed"]

_RESTARTS_AT_A_TIME: Final = 3

_SETTLING_SECONDS: Final = 1.0
"""What starting costs an Envoy is over by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a proxy had used and passed on before its last restart, less what starting cost it."""

    cpu_seconds: float = 0.0
    request_count: int = 0


class LabMesh:
    """The proxies and the backend behind them, for as long as a `with` lasts.

    Args:
        folder: for their settings and logs.
        is_scripted: whether the HTTP sidecars have one more filter, until `drop_scripts`.
    """

    def __init__(self, folder: Folder, *, is_scripted: bool = False) -> None:
        self._folder = folder
        self._is_scripted = is_scripted
        self._certificates: Certificates | None = None
        self.spent: dict[str, Spent] = {}
        self._stack = ExitStack()
        self.envoys: dict[str, Envoy] = {}
        self.backend: Envoy | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._certificates = Certificates.make(self._folder / "certificates")
            sizes = sorted({chain.answer_bytes for chain in CHAINS})
            listener = Listening(name=BACKEND, filters=answering(sizes))
            self.backend = stack.enter_context(Envoy(BACKEND, self._folder, listeners=[listener]))
            for proxy in proxies():
                envoy = self._envoy(proxy)
                self.envoys[proxy.key] = stack.enter_context(envoy)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def entry_port(self, chain: Chain) -> int:
        """Return where the load of a chain enters."""
        path = chain.paths[0]
        return self.envoys[path.proxy.key].ports[path.stat_prefix]

    @property
    def pids(self) -> Mapping[str, int]:
        """The processes of the proxies that run, by namespace and pod."""
        return {key: envoy.pid for key, envoy in self.envoys.items() if envoy.is_running}

    def drop_scripts(self) -> None:
        """Restart all HTTP sidecars without their further filter, some at a time."""
        self._is_scripted = False
        changed = [proxy for proxy in proxies() if _is_changeable(proxy)]
        with ThreadPoolExecutor(_RESTARTS_AT_A_TIME) as pool:
            list(pool.map(self._restart, changed))

    def _restart(self, proxy: Proxy) -> None:
        envoy = self.envoys[proxy.key]
        before = self.spent.get(proxy.key, Spent())
        count, used = completed(envoy), cpu_seconds(envoy.pid)
        envoy.restart(self._listeners(proxy))
        time.sleep(_SETTLING_SECONDS)
        self.spent[proxy.key] = Spent(
            cpu_seconds=before.cpu_seconds + used - cpu_seconds(envoy.pid),
            request_count=before.request_count + count - completed(envoy),
        )

    def _envoy(self, proxy: Proxy) -> Envoy:
        clusters = [
            upstream(
                path.stat_prefix,
                self._port(after),
                self._certificates if path.is_sealed_out else None,
            )
            for path, after in _hops(proxy)
        ]
        if proxy == IDLE:
            clusters.append(upstream("unused", self._port(None)))
        return Envoy(
            proxy.key,
            self._folder,
            listeners=self._listeners(proxy),
            clusters=clusters,
            worker_count=proxy.worker_count,
        )

    def _listeners(self, proxy: Proxy) -> list[Listening]:
        log = self._folder / f"{proxy.pod}.access.log" if proxy.has_access_log else None
        is_scripted = self._is_scripted and _is_changeable(proxy)
        listeners = [
            Listening(
                name=path.stat_prefix,
                filters=passing(
                    path.stat_prefix,
                    path.stat_prefix,
                    is_tcp=path.is_tcp,
                    access_log=log,
                    is_scripted=is_scripted,
                ),
                seal=self._seal if path.is_sealed_in else None,
            )
            for path, _ in _hops(proxy)
        ]
        if proxy == IDLE:
            listeners.append(Listening(name="unused", filters=passing("unused", "unused")))
        return listeners

    @property
    def _seal(self) -> Settings:
        if self._certificates is None:
            raise EnvoyStartError("the mesh has not been started")
        return sealed(self._certificates)

    def _port(self, after: Path | None) -> int:
        """Return where a way leads on: to the backend, or to the next proxy."""
        if after is not None:
            return self.envoys[after.proxy.key].ports[after.stat_prefix]
        if self.backend is None:
            raise EnvoyStartError("the mesh has not been started")
        return self.backend.ports[BACKEND]


def completed(envoy: Envoy) -> int:
    """Return how many requests an Envoy has completed since its start."""
    counts = envoy.stats()
    return sum(n for name, n in counts.items() if name.endswith("downstream_rq_completed"))


def _is_changeable(proxy: Proxy) -> bool:
    return proxy.role == "sidecar" and any(not path.is_tcp for path, _ in _hops(proxy))


def _hops(proxy: Proxy) -> list[tuple[Path, Path | None]]:
    """Return the ways through a proxy, each with the one it leads to; None: the backend."""
    return [
        (path, after)
        for chain in CHAINS
        for path, after in zip(chain.paths, (*chain.paths[1:], None), strict=True)
        if path.proxy == proxy
    ]
