"""Tables hold what their query promises, or are refused with the row that does not."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import FrameError
from analyzer.measurement.frames import TIME, check_frame, frame_of, sorted_frame
from analyzer.measurement.possible import largest_of
from analyzer.prometheus.label_mapping import Attribution, LabelMapping, Names
from analyzer.prometheus.query import load_queries, load_query
from analyzer.prometheus.response import Response, Series
from analyzer.prometheus.strict import LARGEST_SAMPLE
from tests.measurement.snapshots import frame_of_rows
from tests.support.each import each

QUERY = load_query("proxy_cpu_vcpu")


def series(pod: str, *points: tuple[float, float], **labels: str) -> Series:
    times, samples = np.array(points).T if points else (np.empty(0), np.empty(0))
    return Series(labels={"namespace": "shop", "pod": pod, **labels}, times=times, samples=samples)


def answer(*found: Series) -> Response:
    return Response(series=found)


@each({name: (name,) for name in load_queries()})
def test_an_answer_without_series_has_all_its_columns(name: str) -> None:
    query = load_query(name)
    frame = frame_of(query, ())

    assert list(frame.columns) == [*query.labels, TIME, name]
    assert len(frame) == 0
    assert frame[TIME].dtype == np.int64
    assert frame[name].dtype == np.float64
    assert check_frame(query, frame) is frame


def test_an_answer_becomes_a_row_a_sample() -> None:
    frame = frame_of(
        QUERY, [answer(series("a", (600, 0.5), (1200, 0.25))), answer(series("b", (600, 1)))]
    )

    expected = pd.DataFrame(
        {
            "cluster": ["", "", ""],
            "namespace": ["shop", "shop", "shop"],
            "pod": ["a", "a", "b"],
            "container": ["", "", ""],
            "time": [600, 1200, 600],
            "proxy_cpu_vcpu": [0.5, 0.25, 1.0],
        }
    )
    pd.testing.assert_frame_equal(frame, expected)


def test_what_is_no_number_becomes_no_row() -> None:
    frame = frame_of(QUERY, [answer(series("a", (1, np.nan), (2, np.inf), (3, 0.0)))])

    assert frame[TIME].tolist() == [3]
    assert frame.index.tolist() == [0]


def test_the_rest_of_a_rounding_is_zero() -> None:
    points = ((0, -1e-9), (1, 5e-324), (2, 1e-310), (3, 9e-19), (4, 3e-11), (5, 0.5))
    frame = frame_of(QUERY, [answer(series("a", *points))])

    assert frame[QUERY.name].tolist() == [0, 0, 0, 0, 3e-11, 0.5]


@pytest.mark.parametrize("value", [-0.5, -1e-5, 1.1e12, -1e300, 1e300])
def test_an_impossible_value_is_refused_with_its_series_and_time(value: float) -> None:
    found = answer(series("b", (600, 1)), series("a", (600, 1), (1200, value)))
    with pytest.raises(FrameError) as caught:
        frame_of(QUERY, [found])

    for part in ('pod="a"', f"{value:g}", "1970-01-01 00:20 UTC", QUERY.name):
        assert part in str(caught.value)


def test_the_largest_limit_of_kubernetes_is_possible() -> None:
    query = load_query("proxy_limit_memory_bytes")
    frame = frame_of(query, [answer(series("a", (600, 2.0**63)))])

    assert check_frame(query, frame)[query.name].tolist() == [pytest.approx(2.0**63)]


def test_a_row_that_no_machine_reaches_is_refused() -> None:
    frame = frame_of(QUERY, [answer(series("a", (600, 1), (1200, 2)))])
    with pytest.raises(FrameError, match="row 1"):
        check_frame(QUERY, frame.assign(**{QUERY.name: [1.0, 1e13]}))


@pytest.mark.parametrize(
    ("name", "largest"),
    [
        ("proxy_cpu_vcpu", 1e12),
        ("inbound_requests_rps", LARGEST_SAMPLE),
        ("proxy_tcp_bytes_per_second", LARGEST_SAMPLE),
        ("node_vcpu_usd_per_hour", 1e6),
        ("proxy_throttled_share", 1e3),
        ("proxy_build", 1e15),
        ("istiod_requests", LARGEST_SAMPLE),
    ],
)
def test_each_quantity_has_a_bound(name: str, largest: float) -> None:
    assert largest_of(load_query(name)) == largest


def test_no_rate_and_no_price_has_the_bound_of_a_count() -> None:
    measured = [one for one in load_queries().values() if one.exporter is not None]
    bound = {one.unit for one in measured if largest_of(one) == 1e15}

    assert not [unit for unit in bound if unit.startswith(("vcpu", "usd"))]
    assert not [unit for unit in bound if unit.endswith("per second")]


def test_two_series_of_one_pod_are_refused_before_they_are_kept() -> None:
    one = series("a", (600, 1))
    other = Series(labels={**one.labels, "cluster": ""}, times=one.times, samples=one.samples)
    with pytest.raises(FrameError, match="duplicate"):
        frame_of(QUERY, [answer(one, other)])


def test_an_absent_label_is_an_empty_one() -> None:
    bare = Series(labels={"pod": "a"}, times=np.array([1.0]), samples=np.array([1.0]))

    assert frame_of(QUERY, [answer(bare)])["namespace"].tolist() == [""]


def test_an_undeclared_label_is_refused_by_name() -> None:
    with pytest.raises(FrameError, match=r"proxy_cpu_vcpu: .* undeclared label 'zone'\.$"):
        frame_of(QUERY, [answer(series("a", (1, 1), zone="eu"))])


def test_labels_have_our_names_whatever_the_installation_calls_them() -> None:
    label_mapping = LabelMapping(
        cadvisor=Names(namespace="exported_namespace", pod="pod_name", container="container_name"),
        # What others call things says nothing of these series.
        state=Names(pod="exported_pod"),
        cluster="region",
    )
    labels = {
        "region": "north", "exported_namespace": "shop", "pod_name": "a",
        "container_name": "istio-proxy",
    }  # fmt: skip
    told = Series(labels=labels, times=np.array([1.0]), samples=np.array([0.5]))

    (row,) = frame_of(QUERY, [answer(told)], label_mapping)[list(QUERY.labels)].to_numpy().tolist()
    assert row == ["north", "shop", "a", "istio-proxy"]


def test_a_name_of_another_dialect_is_an_undeclared_label() -> None:
    with pytest.raises(FrameError, match="undeclared label 'pod_name'"):
        frame_of(QUERY, [answer(series("a", (1, 1), pod_name="b"))])


def test_an_address_stands_in_the_place_of_the_pod() -> None:
    query = load_query("proxy_build")
    label_mapping = LabelMapping(attribution=Attribution.ADDRESS)
    labels = {"instance": "10.0.0.7:15090", "component": "proxy"}
    told = Series(labels=labels, times=np.array([1.0]), samples=np.array([2.0]))

    (row,) = frame_of(query, [answer(told)], label_mapping)[list(query.labels)].to_numpy().tolist()
    assert row == ["", "", "10.0.0.7:15090", "proxy"]


@given(st.permutations(range(12)), st.lists(st.integers(0, 12), max_size=3))
def test_rows_have_one_order_however_they_were_fetched(order: list[int], cuts: list[int]) -> None:
    rows = [("", "shop", f"pod-{n % 3}", "istio-proxy", n // 3, float(n)) for n in range(12)]
    whole = frame_of_rows("proxy_cpu_vcpu", rows)
    edges = [0, *sorted(cuts), 12]
    shuffled = whole.iloc[order]
    pieces = [shuffled.iloc[a:b] for a, b in pairwise(edges)]

    found = sorted_frame(QUERY, pieces)
    pd.testing.assert_frame_equal(found, sorted_frame(QUERY, [whole]))
    assert found["pod"].is_monotonic_increasing


def test_nothing_fetched_is_an_empty_table() -> None:
    pd.testing.assert_frame_equal(sorted_frame(QUERY, []), frame_of(QUERY, ()))


FINE = frame_of_rows(
    "proxy_cpu_vcpu",
    [("", "shop", "a", "istio-proxy", point, value) for point, value in ((0, 0.0), (1, 0.5))],
)


def test_a_table_that_is_right_is_returned() -> None:
    assert check_frame(QUERY, FINE) is FINE


@pytest.mark.parametrize("column", FINE.columns)
def test_a_table_that_lacks_a_column_is_refused_by_its_name(column: str) -> None:
    with pytest.raises(FrameError, match=rf"lacks the column '{column}'"):
        check_frame(QUERY, FINE.drop(columns=column))


@pytest.mark.parametrize("bad", [-0.5, np.nan, np.inf])
def test_an_impossible_value_is_refused_with_its_row(bad: float) -> None:
    with pytest.raises(FrameError, match=r"^proxy_cpu_vcpu: 1 .* row 1\.$"):
        check_frame(QUERY, FINE.assign(proxy_cpu_vcpu=[0.5, bad]))


def test_a_duplicate_row_is_refused() -> None:
    with pytest.raises(FrameError, match=r"^proxy_cpu_vcpu: 1 .* row 1\.$"):
        check_frame(QUERY, FINE.assign(time=600))


def test_an_object_that_two_jobs_store_under_other_names_is_there_once() -> None:
    query = load_query("request_policies")
    mapping = LabelMapping(state=Names(namespace="exported_namespace", also=(Names(),)))
    rows = [
        Series(
            labels={label: "shop", "resource": "cpu", "constraint": "min"},
            times=np.array([600.0, 1200.0]),
            samples=np.array([0.5, 0.5]),
        )
        for label in ("exported_namespace", "namespace")
    ]

    frame = sorted_frame(query, [frame_of(query, [answer(*rows)], mapping)])

    assert check_frame(query, frame)[TIME].tolist() == [600, 1200]


@pytest.mark.parametrize("name", ["node", "k8s_node_name"])
def test_a_node_has_the_name_of_either_job(name: str) -> None:
    query, mapping = load_query("node_presence"), LabelMapping(node="k8s_node_name")
    found = Response(
        series=(Series(labels={name: "n1"}, times=np.array([600.0]), samples=np.ones(1)),)
    )

    assert frame_of(query, [found], mapping)["node"].tolist() == ["n1"]
    # Where other labels are left on, a label of our name may mean something else.
    others = frame_of(query, [found], mapping, may_have_more=True)
    assert others["node"].tolist() == ["" if name == "node" else "n1"]
