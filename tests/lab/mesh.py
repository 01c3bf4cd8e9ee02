"""All Envoys of the lab, started so that each knows the addresses of those it calls."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path as Folder
from typing import Self

from tests.lab.certificates import Certificates
from tests.lab.envoy import Envoy
from tests.lab.envoy_settings import Listening, answering, passing, sealed, upstream
from tests.lab.topology import BACKEND, CHAINS, IDLE, Chain, Path, Proxy, proxies

__all__ = ["LabMesh"]


class LabMesh:
    """The proxies and the backend behind them, for as long as a `with` lasts."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.envoys: dict[str, Envoy] = {}
        self.backend: Envoy | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            certificates = Certificates.make(self._folder / "certificates")
            sizes = sorted({chain.answer_bytes for chain in CHAINS})
            listener = Listening(name=BACKEND, filters=answering(sizes))
            self.backend = stack.enter_context(Envoy(BACKEND, self._folder, listeners=[listener]))
            for proxy in proxies():
                envoy = self._envoy(proxy, certificates, self.backend.ports[BACKEND])
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
        """The processes of the proxies, by namespace and pod."""
        return {key: envoy.pid for key, envoy in self.envoys.items()}

    def _envoy(self, proxy: Proxy, certificates: Certificates, backend_port: int) -> Envoy:
        listeners, clusters = [], []
        log = self._folder / f"{proxy.pod}.access.log" if proxy.has_access_log else None
        for path, after in _hops(proxy):
            port = backend_port
            if after is not None:
                port = self.envoys[after.proxy.key].ports[after.stat_prefix]
            listeners.append(
                Listening(
                    name=path.stat_prefix,
                    filters=passing(
                        path.stat_prefix, path.stat_prefix, is_tcp=path.is_tcp, access_log=log
                    ),
                    seal=sealed(certificates) if path.is_sealed_in else None,
                )
            )
            seal = certificates if path.is_sealed_out else None
            clusters.append(upstream(path.stat_prefix, port, seal))
        if proxy == IDLE:
            listeners.append(Listening(name="unused", filters=passing("unused", "unused")))
            clusters.append(upstream("unused", backend_port))
        return Envoy(
            proxy.key,
            self._folder,
            listeners=listeners,
            clusters=clusters,
            worker_count=proxy.worker_count,
        )


def _hops(proxy: Proxy) -> list[tuple[Path, Path | None]]:
    """Return the ways through a proxy, each with the one it leads to; None: the backend."""
    return [
        (path, after)
        for chain in CHAINS
        for path, after in zip(chain.paths, (*chain.paths[1:], None), strict=True)
        if path.proxy == proxy
    ]
