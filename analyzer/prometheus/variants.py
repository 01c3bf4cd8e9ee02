"""Series of one exporter whose scrape jobs name the pod differently: one query for each name.

The answers have other labels, so they lie side by side until `canonical` names them alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Final

from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping, Names
from analyzer.prometheus.parts import NEVER, Part
from analyzer.prometheus.promql import Scope

SCOPES: Final = (
    "proxy_scope",
    "cadvisor_scope",
    "state_scope",
    "object_scope",
    "cluster_scope",
    "part",
)
"""What query files call the matchers at the end of a selector."""

_PART: Final = "names_of_labels"
"""A label that keeps equal answers about different series apart until they are combined."""

_POD_EXPORTERS: Final = (Exporter.PROXY, Exporter.CADVISOR, Exporter.STATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The series that have one name for each label.

    Attributes:
        label_mapping: with one name for each label.
        matchers: what chooses these series among those of their exporter, "" where all have them.
        of_objects: the same for series of kube-state-metrics about what has a namespace and is no
            pod: the label of a pod, if any, is that of kube-state-metrics itself.
    """

    label_mapping: LabelMapping
    matchers: Mapping[Exporter, str]
    of_objects: str = ""

    def scopes(self, scope: Scope, part: Part | None = None) -> dict[str, str]:
        """Return the matchers of each kind of selector, "" where there is none.

        Args:
            scope: the namespaces and the cluster asked for.
            part: some namespaces of them; None: all.
        """
        mapping = self.label_mapping
        cluster = mapping.spelled(mapping.cluster)
        # kube-state-metrics may lack the label, or call its clusters otherwise.
        of_state = scope if mapping.state_cluster is None else replace(scope, cluster="")
        found = {"cluster_scope": of_state.cluster_matchers(cluster)}
        # Before labels are known, the usual name of the namespace cuts best.
        found["part"] = part.matcher(Names().namespace) if part else ""
        for exporter in _POD_EXPORTERS:
            namespace = mapping.spelled(mapping.names(exporter).namespace)
            of_exporter = of_state if exporter == Exporter.STATE else scope
            own = of_exporter.matchers(cluster, namespace)
            if part:
                own = ", ".join(filter(None, (own, part.matcher(namespace))))
            if exporter == Exporter.PROXY and mapping.attribution != Attribution.POD:
                # Such series have no namespace to match; it is known once they have pods.
                own = scope.cluster_matchers(cluster)
            if exporter == Exporter.STATE:
                found["object_scope"] = ", ".join(filter(None, (own, self.of_objects)))
            found[f"{exporter}_scope"] = ", ".join(filter(None, (own, self.matchers[exporter])))
        if part and not part.is_rest:
            # Series without a namespace belong to one part only.
            found["cluster_scope"] = NEVER
        return found


@lru_cache
def variants_of(mapping: LabelMapping, exporters: tuple[Exporter, ...]) -> tuple[Variant, ...]:
    """Return the parts of the series of some exporters, by their labels' names."""
    choices = [
        list(_choices(mapping, exporter) if exporter in exporters else _first(mapping, exporter))
        for exporter in _POD_EXPORTERS
    ]
    return tuple(
        Variant(
            label_mapping=replace(
                mapping, proxy=chosen[0][0], cadvisor=chosen[1][0], state=chosen[2][0]
            ),
            matchers={
                exporter: one[1] for exporter, one in zip(_POD_EXPORTERS, chosen, strict=True)
            },
            of_objects=_of_objects(mapping, chosen[2][0]),
        )
        for chosen in product(*choices)
    )


def joined(queries: Sequence[str], together: str) -> str:
    """Return one query that asks several, whose equal answers `together` combines."""
    if len(queries) == 1:
        return queries[0]
    parts = (
        f'label_replace({query}, "{_PART}", "{number}", "", "")'
        for number, query in enumerate(queries)
    )
    return f"{together} without ({_PART}) ({' or '.join(parts)})"


def _first(mapping: LabelMapping, exporter: Exporter) -> Iterator[tuple[Names, str]]:
    yield mapping.names(exporter).each[0], ""


def _choices(mapping: LabelMapping, exporter: Exporter) -> Iterator[tuple[Names, str]]:
    """Yield each of an exporter's names with the matchers of the series that have no earlier."""
    each = mapping.names(exporter).each
    if len(each) == 1 and not each[0].has_copies:
        yield each[0], ""
        return
    for number, names in enumerate(each):
        lacked = dict.fromkeys(
            one.pod if one.pod != names.pod else one.namespace for one in each[:number]
        )
        matchers = [f'{mapping.spelled(label)}=""' for label in lacked]
        yield names, ", ".join([f'{mapping.spelled(names.pod)}!=""', *matchers])


def _of_objects(mapping: LabelMapping, chosen: Names) -> str:
    """Return the matchers of objects that have these names of `mapping.state`, and no earlier."""
    labels = [names.namespace for names in mapping.state.each]
    earlier = dict.fromkeys(labels[: labels.index(chosen.namespace)])
    if len(set(labels)) == 1:
        return ""
    lacked = [f'{mapping.spelled(label)}=""' for label in earlier]
    return ", ".join([f'{mapping.spelled(chosen.namespace)}!=""', *lacked])
