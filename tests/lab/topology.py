"""Who is in the lab: the proxies, the paths that calls take through them, and the load on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["BACKEND", "CHAINS", "IDLE", "NODES", "Chain", "Path", "Proxy", "proxies"]

NODES: Final = ("lab-node-a", "lab-node-b")

BACKEND: Final = "backend"
"""An Envoy that answers by itself, and is in no mesh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One Envoy of the lab, in the place of a pod's proxy.

    Attributes:
        worker_count: Envoy's --concurrency.
        has_access_log: whether it writes a line for each request.
    """

    namespace: str
    workload: str
    ordinal: int = 0
    role: str = "sidecar"
    node: str = NODES[0]
    worker_count: int = 1
    has_access_log: bool = False

    @property
    def pod(self) -> str:
        """Its pod's name."""
        return f"{self.workload}-{self.ordinal}"

    @property
    def key(self) -> str:
        """Its namespace and pod, by which it is known here."""
        return f"{self.namespace}/{self.pod}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A way through one proxy, which counts what passes apart.

    Attributes:
        proxy: through which.
        reporter: as Istio's proxies report it: source, destination or waypoint.
        source: namespace and workload that calls.
        target: namespace and workload that is called.
        is_tcp: whether it passes bytes, and knows of no requests.
        is_sealed_in: whether what comes in is mutual TLS.
        is_sealed_out: whether what goes out is.
    """

    proxy: Proxy
    reporter: str
    source: str
    target: str
    is_tcp: bool = False
    is_sealed_in: bool = False
    is_sealed_out: bool = False

    @property
    def stat_prefix(self) -> str:
        """What Envoy counts it under; Prometheus makes Istio's labels of it."""
        names = (*self.source.split("/"), *self.target.split("/"))
        return "~".join((self.reporter, *names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A call's way: through these paths, one after the other, to the backend.

    Attributes:
        most_rps: at the height of the day.
        answer_bytes: of the backend's answer.
        body_bytes: of the request; 0: a GET.
        connections: of the load.
    """

    name: str
    paths: tuple[Path, ...]
    most_rps: float
    answer_bytes: int = 100
    body_bytes: int = 0
    connections: int = 4


def _pair(
    caller: Proxy, called: Proxy, *, is_tcp: bool = False, is_sealed: bool = True
) -> tuple[Path, Path]:
    """Return a call between two sidecars: both report it."""
    source, target = (f"{proxy.namespace}/{proxy.workload}" for proxy in (caller, called))
    return (
        Path(
            proxy=caller,
            reporter="source",
            source=source,
            target=target,
            is_tcp=is_tcp,
            is_sealed_out=is_sealed,
        ),
        Path(
            proxy=called,
            reporter="destination",
            source=source,
            target=target,
            is_tcp=is_tcp,
            is_sealed_in=is_sealed,
        ),
    )


def _chains() -> Iterator[Chain]:
    front = [Proxy(namespace="shop", workload="front", ordinal=n, node=NODES[n]) for n in (0, 1)]
    cart = [
        Proxy(namespace="shop", workload="cart", ordinal=n, node=NODES[1 - n], worker_count=2)
        for n in (0, 1)
    ]
    for number in (0, 1):
        # Small GETs over mutual TLS: the chains of media, pay and legacy differ in one thing each.
        yield Chain(
            name=f"front-{number}",
            paths=_pair(front[number], cart[number]),
            most_rps=450,
            connections=8,
        )
    web = Proxy(namespace="media", workload="web")
    images = Proxy(namespace="media", workload="images", node=NODES[1], worker_count=2)
    yield Chain(
        name="media", paths=_pair(web, images), most_rps=350, answer_bytes=16_000, connections=8
    )
    api = Proxy(namespace="pay", workload="api", has_access_log=True)
    ledger = Proxy(
        namespace="pay", workload="ledger", node=NODES[1], worker_count=2, has_access_log=True
    )
    yield Chain(name="pay", paths=_pair(api, ledger), most_rps=350, connections=8)
    job = Proxy(namespace="legacy", workload="job")
    store = Proxy(namespace="legacy", workload="store", node=NODES[1], worker_count=2)
    yield Chain(
        name="legacy",
        paths=_pair(job, store, is_sealed=False),
        most_rps=350,
        connections=8,
    )
    app = Proxy(namespace="caches", workload="app")
    redis = Proxy(namespace="caches", workload="redis", node=NODES[1])
    yield Chain(name="caches", paths=_pair(app, redis, is_tcp=True), most_rps=300)
    yield Chain(
        name="waypoint",
        paths=(
            Path(
                proxy=Proxy(namespace="ambient", workload="waypoint", role="waypoint"),
                reporter="waypoint",
                source="ambient/client",
                target="ambient/reviews",
                is_sealed_out=False,
            ),
        ),
        most_rps=350,
        answer_bytes=1_000,
        connections=2,
    )
    edge = Proxy(namespace="edge", workload="ingress", role="gateway", node=NODES[1])
    entering = Path(
        proxy=edge,
        reporter="source",
        source="edge/ingress",
        target="shop/cart",
        is_sealed_out=True,
    )
    arriving = Path(
        proxy=cart[1],
        reporter="destination",
        source="edge/ingress",
        target="shop/cart",
        is_sealed_in=True,
    )
    yield Chain(
        name="edge", paths=(entering, arriving), most_rps=250, answer_bytes=1_000, body_bytes=1_000
    )


CHAINS: Final = tuple(_chains())

IDLE: Final = Proxy(namespace="batch", workload="nightly")
"""A sidecar without callers."""


def proxies() -> tuple[Proxy, ...]:
    """Return every proxy once, those that are called first: others need their addresses."""
    reverse = [path.proxy for chain in CHAINS for path in reversed(chain.paths)]
    return (*dict.fromkeys(reverse), IDLE)
