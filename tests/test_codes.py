"""Codes and topics: one for each thing that can be found, none for anything else, none empty."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.calibration.calibrate import (
    ALL_REQUESTS_SHARE,
    MAX_CORRECTED_SHARE,
    MAX_UNEXPLAINED_SHARE,
)
from analyzer.calibration.observations import MAX_THROTTLED_SHARE
from analyzer.calibration.panel import MIN_SAMPLES, MIN_STEPS, MIN_VARIATION
from analyzer.comparison.compare import MIN_ASSUMED_SHARE
from analyzer.comparison.match import MIN_PAST_SHARE
from analyzer.data import Topic, assumptions, codes, published_constants, topics
from analyzer.data.explained import all_topics, explained
from analyzer.errors import UsageError
from analyzer.measurement.findings import SERIOUS_SHARE
from analyzer.measurement.metrics import POD_LABELS
from analyzer.measurement.quality.of_data import THIN_SHARE, UNATTRIBUTED_SHARE
from analyzer.measurement.quality.of_proxies import (
    MESSAGES_PER_REQUEST,
    SHORT_LIFE_STEPS,
    THROTTLED_SHARE,
)
from analyzer.measurement.quality.of_time import MINUTES_PER_DAY, SPARSE_SHARE
from analyzer.measurement.surveyed import FINE_SCRAPE_SECONDS
from analyzer.projection.modes import MODES
from analyzer.projection.rightsizing.autoscaled import TOLERANCE_SHARE
from analyzer.projection.rightsizing.policy import LEAST_HOURS
from analyzer.projection.rightsizing.quantities import LEAST_VCPU
from analyzer.units import Reason
from analyzer.window import INTERVALS_PER_STEP, MIN_STEP_SECONDS
from tests.support.each import each

TEXTS = ("meaning", "why", "fix")
_RIGHTSIZING = (
    assumptions()["rightsizing_percentile"].value.mid / 100,
    assumptions()["rightsizing_headroom_share"].value.mid,
    assumptions()["rightsizing_unseen_headroom_share"].value.mid,
    assumptions()["rightsizing_memory_headroom_share"].value.mid,
)
each_topic = each({topic.short_name: (topic,) for topic in all_topics()})


def _with_ends(assumption: str, noun: str) -> str:
    """Return an assumption as texts have it, with its noun and range."""
    value = assumptions()[assumption].value
    return f"{value.mid:g}{noun and f' {noun}'} ({value.low:g} to {value.high:g})"


def names_made() -> Iterator[str]:
    """Yield the names of findings that are made anywhere; one that is composed, as a pattern."""
    for path in Path("analyzer").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            given = [item.value for item in node.keywords if item.arg == "name"]
            if isinstance(called, ast.Attribute) and called.attr.startswith("about"):
                given = node.args[:1]
            elif not (isinstance(called, ast.Name) and called.id == "Finding"):
                continue
            for name in given:
                if isinstance(name, ast.Constant):
                    yield str(name.value)
                elif isinstance(name, ast.JoinedStr):
                    parts = (getattr(part, "value", None) for part in name.values)
                    yield "".join(part if isinstance(part, str) else r"\w+" for part in parts)


def test_each_finding_that_is_made_has_a_code_and_no_other() -> None:
    made = set(names_made())
    known = {name for name in codes() if any(re.fullmatch(name_made, name) for name_made in made)}

    assert len(made) > 20
    assert known == set(codes())
    assert all(any(re.fullmatch(name, known) for known in codes()) for name in made)


def test_codes_are_unique_in_order_and_of_their_group() -> None:
    found = [topic.code for topic in codes().values()]

    assert found == sorted(set(found))
    assert all(re.fullmatch(r"IU[1-5]\d\d", code) for code in found)


@each_topic
def test_no_text_is_empty(topic: Topic) -> None:
    needed = ("title", *TEXTS) if topic.kind in ("finding", "refusal") else ("title", "meaning")

    assert all(getattr(topic, part).strip() for part in needed)
    assert not topic.title.endswith(".")


@each_topic
def test_sentences_are_short_and_lines_of_code_fit_the_narrowest_terminal(topic: Topic) -> None:
    for line in "\n".join(getattr(topic, part) for part in TEXTS).splitlines():
        if line.startswith("  "):
            assert len(line) <= 60, line
            continue
        for sentence in re.split(r"(?<=[.:;]) ", line):
            assert len(sentence.split()) <= 30, sentence


@each_topic
def test_what_a_text_refers_to_is_there(topic: Topic) -> None:
    text = " ".join(getattr(topic, part) for part in TEXTS)
    referred = re.findall(r"\bIU\d+\b|(?<=istio-usage explain )\w+", text)
    for names in re.findall(r"See: ([\w, ]+)\.", text):
        referred += names.split(", ")

    assert all(explained(name) for name in referred)


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("unattributed_requests", (UNATTRIBUTED_SHARE, SERIOUS_SHARE)),
        ("cpu_without_requests", (SERIOUS_SHARE,)),
        ("requests_without_cpu", (SERIOUS_SHARE,)),
        ("thinned_samples", (THIN_SHARE,)),
        ("throttled", (THROTTLED_SHARE, MAX_THROTTLED_SHARE)),
        ("partial_fit", (ALL_REQUESTS_SHARE,)),
        ("sparse_window", (SPARSE_SHARE,)),
        ("offset_samples", (MAX_CORRECTED_SHARE,)),
        ("unexplained_cpu", (MAX_UNEXPLAINED_SHARE,)),
        ("ztunnel_requests_assumed", (MIN_ASSUMED_SHARE,)),
        ("workloads_part_moved", (MIN_PAST_SHARE,)),
        ("constant_traffic", (MIN_VARIATION,)),
        ("finding", (SERIOUS_SHARE,)),
        ("fit", (MAX_UNEXPLAINED_SHARE,)),
        ("rightsizing", _RIGHTSIZING),
        ("autoscaler_counts_sidecar", (TOLERANCE_SHARE,)),
    ],
)
def test_a_share_in_a_text_is_the_one_in_the_code(name: str, figures: tuple[float, ...]) -> None:
    text = f"{explained(name).meaning} {explained(name).why}"

    assert all(f" {100 * share:g} %" in text for share in figures)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("grpc_streams", f"more than {MESSAGES_PER_REQUEST} gRPC"),
        ("short_lives", f"at most {SHORT_LIFE_STEPS} intervals"),
        ("coarse_scrapes", f"hold {INTERVALS_PER_STEP} scrapes"),
        ("coarse_scrapes", f"{MIN_STEP_SECONDS // 60} minutes"),
        ("coarse_scrapes", f"scrape_interval: {FINE_SCRAPE_SECONDS}s"),
        ("short_window", f"{MINUTES_PER_DAY // 60} hours"),
        ("interval", f"at least {INTERVALS_PER_STEP} scrapes"),
        ("interval", f"at least {MIN_STEP_SECONDS // 60} minutes"),
        ("too_few_samples", f"fewer than {MIN_SAMPLES} usable"),
        ("too_few_samples", f"fewer than {MIN_STEPS} intervals"),
        ("dollars", f"${assumptions()['vcpu_month_usd'].value.mid:g} a month"),
        ("waypoint", f"{assumptions()['waypoint_to_sidecar_ratio'].value.mid:g} times"),
        (
            "ztunnel",
            f"{assumptions()['ztunnel_to_sidecar_ratio'].value.mid:g} (0.16 to 0.46) times",
        ),
        ("ztunnel", f"{published_constants()['istio-1.24'].ztunnel_vcpu_per_1000_rps} vCPU"),
        ("vendor", f"about {assumptions()['ztunnel_idle_vcpu_per_node'].value.mid:g} vCPU"),
        ("rightsizing", f"at least {1000 * LEAST_VCPU:.0f}m"),
        ("rightsizing", f"less than {LEAST_HOURS:.0f} hours"),
        ("configuration_scope", _with_ends("scope_fixed_clusters", "clusters")),
        ("configuration_scope", _with_ends("scope_clusters_per_called_workload", "")),
        ("vendor", f"{published_constants()['blog'].sidecar_vcpu_per_proxy} vCPU per sidecar"),
    ],
)
def test_a_number_in_a_text_is_the_one_in_the_code(name: str, words: str) -> None:
    topic = explained(name)

    assert words in f"{topic.meaning} {topic.why} {topic.fix}"


def test_the_flag_for_the_labels_of_pods_is_the_one_in_the_findings() -> None:
    assert POD_LABELS in "".join(codes()["no_pod_labels"].fix.split())


def test_each_reason_to_refuse_and_each_mode_is_a_topic_and_no_other() -> None:
    by_kind: dict[str, set[str]] = {}
    for topic in topics().values():
        by_kind.setdefault(topic.kind, set()).add(topic.name)

    assert by_kind["refusal"] == set(Reason)
    assert by_kind["mode"] == set(MODES)


@each_topic
def test_every_word_leads_to_its_topic(topic: Topic) -> None:
    words = [topic.name, topic.short_name, *topic.also]

    assert all(explained(word) is topic for word in words)
    assert all(word == word.casefold() for word in topic.also)


@pytest.mark.parametrize("asked", ["IU204", "iu204", "tcp_only", "TCP-only", " tcp only "])
def test_case_hyphens_and_blanks_do_not_matter(asked: str) -> None:
    assert explained(asked).code == "IU204"


@pytest.mark.parametrize(
    ("asked", "near"), [("throtled", "IU206"), ("idle cpus", "idle_cpu"), ("IU999", "IU")]
)
def test_an_unknown_name_comes_with_the_nearest(asked: str, near: str) -> None:
    with pytest.raises(UsageError, match=rf"{asked!r}.*{near}"):
        explained(asked)


def test_a_name_that_is_near_none_has_no_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        explained("zzzzzzzz")

    assert "Did you mean" not in str(caught.value)
