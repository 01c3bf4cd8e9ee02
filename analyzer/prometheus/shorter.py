"""Shorter forms of a query that have the same answer where a server's data is simple.

A server spends most of the time of such a query on building the labels of each group at each step,
so a level of grouping that changes nothing is worth leaving out.
"""

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from analyzer.prometheus.label_mapping import Exporter, LabelMapping

_INNER: Final = r"(?P<inner>[^()]*(?:\([^()]*\))?[^()]*)"
"""A selector, or a function of one."""

_OF_SCRAPES: Final = re.compile(
    rf"max by \((?P<by>[^()]*?)\s*\) \( sum by \((?P=by), \$proxy_scrape\s*\) \( {_INNER} \) \)"
)
_OF_PROXIES: Final = re.compile(
    rf"sum by \((?P<by>[^()]*)\) \( sum by \(\s*\$proxy, [^()]*\) \( {_INNER} \) \)"
)
_GROUPED: Final = re.compile(
    r"(?P<by>max|sum) by \([^()]*\) \( (?P<inner>.*?) \)(?P<chosen> and on \(.*)?"
)
_CONTAINER: Final = r'\$state_container=~"[^"]*"'
_OF_STATE: Final = re.compile(
    rf'(?P<first>\w+)\{{(?P<container>{_CONTAINER}), resource="(?P<resource>\w+)", '
    r"\$state_scope\} offset \$offset or "
    rf'(?P<second>\w+)\{{(?P=container), resource="(?P=resource)", '
    r"\$state_scope\} offset \$offset or "
    r"(?P<third>\w+)\{(?P=container), \$state_scope\} offset \$offset"
)
_CPU_OF_PROXIES: Final = (
    r'\$cpu\{[^{}]*"istio-proxy\|agentgateway"[^{}]*\}(?:\[\$window\])? offset \$offset'
)
_OF_CORES: Final = re.compile(
    rf" or sum without \(cpu\) \( (?:rate\({_CPU_OF_PROXIES}\)|{_CPU_OF_PROXIES}) \)"
)
_NOT_UNGROUPED: Final = re.compile(r"label_replace| by \(| on \(")
_RENAMED: Final = re.compile(
    r"label_replace\( label_replace\( group by \(\$cadvisor\) \( (?P<inner>[^()]*) \), "
    r'"\$state_namespace", "\$\$1", "\$cadvisor_namespace", "\(\.\+\)" \), '
    r'"\$state_pod", "\$\$1", "\$cadvisor_pod", "\(\.\+\)" \)'
)


def of_one_scrape(template: str) -> str:
    """Return a template without its choice among several scrapes of one proxy."""
    chosen = _OF_SCRAPES.sub(r"sum by (\g<by>) ( \g<inner> )", template)
    if chosen == template:
        return template
    # A sum of the sums of proxies is the sum of all.
    return _OF_PROXIES.sub(r"sum by (\g<by>) ( \g<inner> )", chosen)


def of_whole_containers(template: str) -> str:
    """Return a template without the CPU counters of single cores of proxies."""
    return _OF_CORES.sub("", template)


def of_same_labels(template: str, label_mapping: LabelMapping) -> str:
    """Return a template without labels that are renamed to what they are called already."""
    cadvisor, state = (
        label_mapping.labels_of_pod(exporter) for exporter in (Exporter.CADVISOR, Exporter.STATE)
    )
    return _RENAMED.sub(r"\g<inner>", template) if cadvisor == state else template


@dataclass(frozen=True, slots=True, kw_only=True)
class Ungrouped:
    """A query without its grouping, which whoever reads the answer does.

    Attributes:
        by: the aggregation that is left out, "max" or "sum"; "" if none is.
    """

    template: str
    by: str = ""


def ungrouped(template: str) -> Ungrouped:
    """Return a template without a grouping around selectors, or functions of them.

    A server before Prometheus 2.53 takes longer to build the labels of each group at each step
    than to read the samples.
    """
    found = _GROUPED.fullmatch(_of_one_selector(template))
    if found is None or _NOT_UNGROUPED.search(found["inner"]) or not _is_closed(found["inner"]):
        return Ungrouped(template=template)
    return Ungrouped(template=found["inner"] + (found["chosen"] or ""), by=found["by"])


def _of_one_selector(template: str) -> str:
    """Return a template with one selector in place of `or` between metrics of kube-state-metrics.

    What the metrics of version 1 have in their names is a label of those of version 2.
    """
    return _OF_STATE.sub(
        r'{__name__=~"\g<first>|\g<second>|\g<third>", \g<container>, '
        r'resource=~"|\g<resource>", $state_scope} offset $offset',
        template,
    )


def _is_closed(text: str) -> bool:
    """Return whether a text closes no bracket that it does not open."""
    depths = accumulate((letter == "(") - (letter == ")") for letter in text)
    return min(depths, default=0) >= 0
