"""Autoscalers and limits of namespaces, from a snapshot."""

from pathlib import Path

import pandas as pd
import pytest

from analyzer.measurement.autoscalers import (
    AUTOSCALERS,
    POLICIES,
    autoscalers_of,
    limit_ranges_of,
    no_autoscalers,
    no_limit_ranges,
    no_vertical_autoscalers,
    vertical_autoscalers_of,
)
from analyzer.measurement.tables import Tables
from tests.measurement.snapshots import Rows, make_snapshot

FRONT = ("", "shop", "front-hpa")


def tables_of(path: Path, **tables: Rows) -> Tables:
    return Tables(make_snapshot(path / "snapshot", tables))


def hpa(
    quantity: str, *values: float, kind: str = "", name: str = "", of: tuple[str, ...] = FRONT
) -> Rows:
    return [(*of, kind, name, quantity, point, value) for point, value in enumerate(values)]


def test_replicas_are_a_mean_and_the_rest_is_the_last(tmp_path: Path) -> None:
    rows = [
        *hpa("scale_target", 1, kind="Deployment", name="old"),
        *hpa("scale_target", 1, 1, 1, 1, kind="Deployment", name="front")[1:],
        *hpa("replicas", 2, 3, 3, 4),
        *hpa("min_replicas", 1, 1, 2, 2),
        *hpa("max_replicas", 9, 9, 9, 9),
        # Taken away in the window: it follows another metric now.
        *hpa("target_utilization_percent", 70, 70),
    ]

    (row,) = autoscalers_of(tables_of(tmp_path, **{AUTOSCALERS: rows})).to_dict("records")

    assert pd.isna(row.pop("target_utilization_percent"))
    assert row == {
        "namespace": "shop",
        "kind": "Deployment",
        "name": "front",
        "autoscaler": "front-hpa",
        "min_replicas": 2,
        "max_replicas": 9,
        "replicas": 3,
    }


def test_two_namespaces_have_an_autoscaler_of_one_name(tmp_path: Path) -> None:
    rows = [*hpa("max_replicas", 3), *hpa("max_replicas", 5, of=("", "bank", "front-hpa"))]

    found = autoscalers_of(tables_of(tmp_path, **{AUTOSCALERS: rows}))

    assert found["namespace"].tolist() == ["bank", "shop"]
    assert found["max_replicas"].tolist() == [5, 3]
    assert found["name"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("covers", "known"), [(("proxy", "others"), True), (("others",), False), ((), None)]
)
def test_an_autoscaler_without_a_recommendation_may_cover_the_proxy(
    covers: tuple[str, ...], *, known: bool | None, tmp_path: Path
) -> None:
    own = ("", "shop", "", "", "Deployment", "front")
    rows: Rows = [
        (*own, "Auto", "", 0, 1.0),
        *((*own, "", one, 0, 1.0) for one in covers),
        # A LimitRange is no autoscaler.
        ("", "shop", "cpu", "min", "", "", "", "", 0, 0.1),
    ]

    (row,) = vertical_autoscalers_of(tables_of(tmp_path, **{POLICIES: rows})).to_dict("records")

    assert (row["kind"], row["name"], row["update_mode"]) == ("Deployment", "front", "Auto")
    assert (None if pd.isna(row["recommends_for_proxy"]) else row["recommends_for_proxy"]) == known


def test_a_limit_is_as_it_was_last(tmp_path: Path) -> None:
    none = ("", "", "", "")
    rows: Rows = [
        *(
            ("", "shop", "cpu", "min", *none, point, value)
            for point, value in enumerate((0.1, 0.2))
        ),
        ("", "shop", "", "", "Deployment", "front", "Auto", "", 0, 1.0),
    ]

    found = limit_ranges_of(tables_of(tmp_path, **{POLICIES: rows}))

    assert found.to_dict("records") == [
        {"namespace": "shop", "resource": "cpu", "constraint": "min", "value": 0.2}
    ]


def test_an_older_snapshot_has_none_in_the_same_columns(tmp_path: Path) -> None:
    tables = tables_of(tmp_path)

    for found, none in (
        (autoscalers_of(tables), no_autoscalers()),
        (vertical_autoscalers_of(tables), no_vertical_autoscalers()),
        (limit_ranges_of(tables), no_limit_ranges()),
    ):
        pd.testing.assert_frame_equal(found, none)
