"""What series call the labels of a pod: by what is usual, and by which values join."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from analyzer.data.labels import Family, label_families
from analyzer.prometheus.label_mapping import ISTIO_LABELS, SCRAPE_LABELS, Exporter, Names

Labels = Mapping[str, str]

PROXY_CONTAINERS: Final = frozenset({"istio-proxy", "agentgateway"})
"""What the container of a proxy is called."""

_PARTS_OF_NAMES: Final = ("pod", "namespace", "container", "node")
"""A label that names a pod or a part of it has one of these in its own name."""

Key = tuple[str, str]
"""The namespace and the name of a pod."""


def families(exporter: str) -> tuple[Family, ...]:
    """Return the known names, those first that go first on an exporter's series."""
    known = label_families()
    if exporter == Exporter.PROXY:
        # A proxy is its own target: what the scrape adds is as good.
        return known
    return tuple(sorted(known, key=lambda family: not family.before_target))


def usual_names(exporter: str, rows: Sequence[Labels]) -> Names:
    """Return what series call their labels by what is usual; our names where none is found."""
    order = families(exporter)
    pod = _first(_values_of(order, "pod"), rows) or Names().pod
    return Names(
        namespace=_first(_values_of(order, "namespace"), rows) or Names().namespace,
        pod=pod,
        container=_container(order, pod, rows),
        node=_of_family(order, pod, "node", rows),
    )


def node_label(rows: Sequence[Labels]) -> str:
    """Return the label of the node on series of kube-state-metrics about nodes."""
    return _first(_values_of(families(Exporter.STATE), "node"), rows) or Names().node


def has_pod(exporter: str, rows: Sequence[Labels]) -> bool:
    """Return whether any series has a label that usually names its pod."""
    return bool(_first(_values_of(families(exporter), "pod"), rows))


def is_ambiguous(exporter: str, rows: Sequence[Labels]) -> bool:
    """Return whether the usual names leave open which label names the pod.

    So it is where labels of one series differ, or series have different labels, or none.
    """
    for part in ("pod", "namespace"):
        known = _values_of(families(exporter), part)
        found = [[(name, row[name]) for name in known if row.get(name)] for row in rows]
        if any(len({value for _, value in one}) > 1 for one in found):
            return True
        if len({one[0][0] if one else "" for one in found}) > 1 or not all(found):
            return True
    return False


def known_labels() -> frozenset[str]:
    """Return all known names of the parts of a pod."""
    return frozenset(getattr(one, part) for one in label_families() for part in _PARTS_OF_NAMES)


def naming_labels(rows: Iterable[Labels]) -> tuple[str, ...]:
    """Return the labels that may name a pod or a part of it, sorted."""
    others = {*ISTIO_LABELS, *SCRAPE_LABELS, "__name__"}
    known = known_labels()
    names = {name for row in rows for name in row} - others
    return tuple(
        sorted(
            name for name in names if name in known or any(part in name for part in _PARTS_OF_NAMES)
        )
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """Labels that name a namespace and a pod."""

    namespace: str
    pod: str

    def key(self, row: Labels) -> Key | None:
        """Return the pod of a series; None where a label is missing."""
        namespace, pod = row.get(self.namespace, ""), row.get(self.pod, "")
        return (namespace, pod) if namespace and pod else None

    def keys(self, rows: Iterable[Labels]) -> set[Key]:
        """Return the pods of some series."""
        return {key for row in rows if (key := self.key(row))}

    def reliability(self, rows: Iterable[Labels], pods: set[Key]) -> float:
        """Return the share of the series with these labels in which they name a known pod."""
        found = [key in pods for row in rows if (key := self.key(row))]
        return sum(found) / len(found) if found else 0.0


def joined_names(
    rows: Mapping[str, Sequence[Labels]], shown: Mapping[str, Sequence[Labels]]
) -> dict[str, Names]:
    """Return by exporter the names of the labels whose values name the same pods.

    Args:
        rows: by exporter, the labels of each pod's series that may name it.
        shown: by exporter, a few series with all their labels.

    Exporters whose series name no pod of another exporter are left out.
    """
    proxies, cadvisor, state = (
        _Side(exporter, rows.get(exporter, ()), shown.get(exporter, ()))
        for exporter in (Exporter.PROXY, Exporter.CADVISOR, Exporter.STATE)
    )
    matched = list(_matched(proxies, cadvisor))
    found: dict[str, Names] = {}
    if matched:
        pods = _all(keys for _, _, keys in matched)
        found[Exporter.PROXY] = proxies.names([one for one, _, _ in matched], pods)
        found[Exporter.CADVISOR] = cadvisor.names([other for _, other, _ in matched], pods)
        # The labels differ by job, and the pods are known.
        named = [{"namespace": namespace, "pod": pod} for namespace, pod in pods]
        cadvisor = _Side(Exporter.CADVISOR, named, ())
    of_state = list(_matched(state, cadvisor))
    if of_state:
        pods = _all(keys for _, _, keys in of_state)
        found[Exporter.STATE] = state.names([one for one, _, _ in of_state], pods)
    return found


@dataclass(frozen=True, slots=True)
class _Side:
    """The series of one exporter."""

    exporter: str
    rows: Sequence[Labels]
    shown: Sequence[Labels]

    def candidates(self, part: str) -> list[str]:
        """Return the labels that may name the pod or the namespace, the more usual first."""
        there = {name for row in self.rows for name in row}
        known = [name for name in _values_of(families(self.exporter), part) if name in there]
        others = sorted(
            name
            for name in there.difference(known)
            if part in name and (part == "namespace" or "namespace" not in name)
        )
        return [*known, *others]

    def namespaces_beside(self, pod: str) -> list[str]:
        """Return the labels that may name the namespace, the one of the pod's family first."""
        own = {one.namespace for one in families(self.exporter) if one.pod == pod}
        return sorted(self.candidates("namespace"), key=lambda name: name not in own)

    def values(self, label: str) -> set[str]:
        return {row[label] for row in self.rows if row.get(label)}

    def without(self, pods: set[Key]) -> "_Side":
        """Return the series in which no label has the name of one of these pods."""
        names = {pod for _, pod in pods}
        return replace(self, rows=[row for row in self.rows if not names & set(row.values())])

    def names(self, pairs: Iterable[_Pair], pods: set[Key]) -> Names:
        """Return names in the order in which the first label that a series has is right."""
        most_reliable = sorted(
            dict.fromkeys(pairs), key=lambda pair: -pair.reliability(self.rows, pods)
        )
        first, *others = (self._named(pair, pods) for pair in most_reliable)
        lacking = [row for row in self.rows if not any(row.get(one.pod) for one in most_reliable)]
        has_copies = bool(lacking) and not replace(self, rows=lacking).without(pods).rows
        return replace(first, also=tuple(others), has_copies=has_copies)

    def _named(self, pair: _Pair, pods: set[Key]) -> Names:
        order = families(self.exporter)
        mine = [row for row in self.rows if pair.key(row) in pods]
        shown = [row for row in self.shown if row.get(pair.pod)]
        return Names(
            namespace=pair.namespace,
            pod=pair.pod,
            container=_container(order, pair.pod, mine if _has_container(mine) else shown),
            node=_of_family(order, pair.pod, "node", shown),
        )


def _matched(left: _Side, right: _Side) -> Iterator[tuple[_Pair, _Pair, set[Key]]]:
    """Yield the labels of both sides that name the same pods, those of most pods first.

    Further ones name pods that no earlier one does. What another job stores of the same pods is
    no further part of the mesh.
    """
    while left.rows:
        pair = _best(left, right)
        keys = pair[0].keys(left.rows) & pair[1].keys(right.rows) if pair else set()
        if pair is None or not keys:
            return
        yield *pair, keys
        left = left.without(keys)


def _best(left: _Side, right: _Side) -> tuple[_Pair, _Pair] | None:
    """Return the labels of both sides that have most values in common; None without any."""
    pods = _most(
        {name: left.values(name) for name in left.candidates("pod")},
        {name: right.values(name) for name in right.candidates("pod")},
    )
    if pods is None:
        return None
    one, other = pods
    namespaces = _most(
        {name: _Pair(name, one).keys(left.rows) for name in left.namespaces_beside(one)},
        {name: _Pair(name, other).keys(right.rows) for name in right.namespaces_beside(other)},
    )
    return namespaces and (_Pair(namespaces[0], one), _Pair(namespaces[1], other))


def _most(
    left: Mapping[str, AbstractSet[str | Key]], right: Mapping[str, AbstractSet[str | Key]]
) -> tuple[str, str] | None:
    """Return the names of two sets with most in common, the first of several; None if none has.

    Of pairs that name as many pods, the one with more namespaces counts: the same scraper may have
    put its own namespace on both sides.
    """
    shared = {pair: left[pair[0]] & right[pair[1]] for pair in product(left, right)}
    best = max(shared, key=lambda pair: _worth(shared[pair]), default=None)
    return best if best is not None and shared[best] else None


def _worth(keys: AbstractSet[str | Key]) -> tuple[int, int]:
    return len(keys), len({key[0] for key in keys if isinstance(key, tuple)})


def _all(sets: Iterable[set[Key]]) -> set[Key]:
    return set().union(*sets)


def _has_container(rows: Iterable[Labels]) -> bool:
    return any(PROXY_CONTAINERS & set(row.values()) for row in rows)


def _container(order: Sequence[Family], pod: str, rows: Sequence[Labels]) -> str:
    """Return the label that holds the names of proxies' containers, or is usual beside `pod`."""
    usual = _of_family(order, pod, "container", rows)
    holding = {name for row in rows for name in row if row[name] in PROXY_CONTAINERS}
    if not holding or usual in holding:
        return usual
    known = [name for name in _values_of(order, "container") if name in holding]
    others = sorted(name for name in holding if "container" in name)
    return next(iter((*known, *others)), usual)


def _of_family(order: Sequence[Family], pod: str, part: str, rows: Sequence[Labels]) -> str:
    """Return the label that occurs together with `pod`, or another usual one that is there."""
    own = next((getattr(one, part) for one in order if one.pod == pod), "")
    if any(row.get(own) for row in rows):
        return str(own)
    # Labels of nodes may be on every series (node_kubernetes_io_instance_type) and name no node.
    others = sorted({name for row in rows for name in row if part in name and part == "container"})
    return _first((*_values_of(order, part), *others), rows) or str(getattr(Names(), part))


def _values_of(order: Iterable[Family], part: str) -> tuple[str, ...]:
    """Return each name of a part of a pod once."""
    return tuple(dict.fromkeys(getattr(family, part) for family in order))


def _first(candidates: Iterable[str], rows: Sequence[Labels]) -> str:
    """Return the first label that any series has; "" if none has any."""
    return next((name for name in candidates if any(row.get(name) for row in rows)), "")
