"""The availability zone and the cloud provider of each node."""

import re
from typing import Final

import pandas as pd

from analyzer.data import providers
from analyzer.measurement.tables import Tables

ZONES: Final = "node_zones"
"""The query for both."""


def zones_of(tables: Tables, instance_types: pd.Series) -> pd.DataFrame:
    """Return zone and provider of each node, "" where not known.

    A label of the node takes precedence over the zone in its provider ID. A node without a provider
    ID has the provider of its instance type.

    Args:
        tables: of the snapshot.
        instance_types: by node, "" where not known.
    """
    rows = tables[ZONES]
    # Only kube_node_info has the provider, and only rows of labels come without it.
    labelled_first = rows.sort_values("node_provider", kind="stable")
    zones, ids = (
        found[found[column] != ""].groupby("node")[column].first().reindex(instance_types.index)
        for found, column in ((labelled_first, "node_zone"), (rows, "node_provider"))
    )
    return pd.DataFrame(
        {
            "zone": zones.fillna(""),
            "provider": ids.fillna(instance_types.map(_provider_of)).astype(str),
        }
    )


def _provider_of(instance_type: str) -> str:
    """Return the provider that names its instance types so; "" if none does.

    >>> [_provider_of(name) for name in ("m5.xlarge", "n2-standard-4", "Standard_D4s_v5", "big")]
    ['aws', 'gce', 'azure', '']
    """
    found = (
        name
        for name, item in providers().items()
        if re.fullmatch(item.instance_types, instance_type)
    )
    return next(found, "")
