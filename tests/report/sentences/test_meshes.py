"""What several meshes cost together, in sentences."""

from dataclasses import replace

from analyzer.measurement.findings import Finding, Severity
from analyzer.report.sentences.meshes import gaps, legend, outcome, size
from tests.report.answers import full
from tests.report.several import hypothetical, report_of


def test_the_outcome_is_the_cost_and_what_each_mode_saves() -> None:
    found = report_of({"east": hypothetical(), "west": hypothetical()}).meshes

    assert outcome(found) == (
        "The sidecars of 2 meshes cost $5,616,000 ($4,752,000-$6,480,000) a year as used. For the "
        "same traffic, ambient L4 would save 99 % and ambient, waypoints everywhere would save "
        "93 %."
    )
    assert outcome(report_of({"east": hypothetical()}).meshes).startswith(
        "The sidecars of 1 mesh cost $2,808,000"
    )


def test_the_size_is_that_of_all_meshes() -> None:
    found = report_of({"east": hypothetical(), "west": hypothetical(800, 20, 40)}).meshes

    assert size(found) == "Together: 15,800 sidecars in 1,040 namespaces on 220 nodes."
    unknown = replace(found, total=replace(found.total, node_count=None))
    assert size(unknown) == "Together: 15,800 sidecars in 1,040 namespaces."


def test_the_legend_has_the_price_that_all_meshes_share() -> None:
    found = report_of({"east": hypothetical(), "west": hypothetical()}).meshes
    east, west = found.meshes

    shared = (
        "Ranges are 90 % intervals. That of the sum comes from shared draws: an assumption has one "
        "value in all meshes. "
    )
    assert legend(found) == f"{shared}Dollars are at $26 ($22-$30) per vCPU-month."
    assert west.price is not None
    dear = replace(west, price=replace(west.price, vcpu_month_usd=40.0, vcpu_month_usd_range=None))
    differ = legend(replace(found, meshes=(east, dear)))
    assert differ == f"{shared}Prices differ between them."


def test_what_makes_a_mesh_less_sure_has_its_name() -> None:
    measured = full()
    assert measured.usage is not None
    grave = Finding(
        name="waypoint_clients_unknown", severity=Severity.WARNING, text="CPU is missing."
    )
    minor = Finding(
        name="waypoint_clients_unknown", severity=Severity.INFO, text="Nothing of note."
    )
    usage = replace(measured.usage, findings=(grave, minor))
    found = list(gaps("east", replace(measured, usage=usage)))

    assert any("CPU is missing." in text for text in found)
    assert not any("Nothing of note." in text for text in found)
    assert all(text.startswith("east: ") for text in found)
    assert list(gaps("post", hypothetical())) == []
