"""What stands in the page: the figures of the answer, where they come from, how to do it again."""

import base64
import re
from dataclasses import replace

from analyzer.data import published_constants
from analyzer.measurement.findings import BIASED, Bias, Finding, Severity
from analyzer.measurement.manifest import QueryRecord
from analyzer.projection.modes import SIDECAR
from analyzer.report.answer import FrontEnd
from analyzer.report.blocks import Picture
from analyzer.report.format import MODE_TITLES, usd
from analyzer.report.sentences.summary import summary
from analyzer.settings import Setting
from tests.projection.builders import scenario
from tests.report.answers import (
    calibration_only,
    constants_only,
    fitted_calibration,
    full,
    refused,
    workload,
)
from tests.report.render.html.pages import CHARTS, png, read_page, section_text, table_of
from tests.report.render.html.reading import read
from tests.report.rendered import as_html


def test_the_answer_comes_first_with_the_whole_summary() -> None:
    answer = full(note="Simulated.")
    page = read_page(answer)
    first = page.one("main").all("section")[0]

    assert page.one("p", role="note").text == "Simulated."
    assert page.one("header").text.startswith(page.one("h1").text)
    for line in summary(answer):
        assert line.text in first.text
    assert first.attributes["id"] == "answer"


def test_the_headline_figures_are_those_of_the_answer() -> None:
    answer = full()
    assert answer.projection is not None
    cards = [item.text for item in read_page(answer).one("dl").all("div")]
    l4 = answer.projection.savings[0]

    assert cards[0].endswith("0.44 0.3 vCPU requested")
    assert "$116 as used" in cards[1]
    assert cards[1].endswith("$22 per vCPU-month")
    assert "0.3 0.25-0.35 0.6" in cards[2]
    assert MODE_TITLES[l4.mode] in cards[3]
    assert f"{round(l4.percent.mid)} %" in cards[3]
    assert usd(l4.usd_per_year) in cards[3]


def test_the_cost_table_has_every_mode_on_every_basis() -> None:
    header, sidecars, *ambient = table_of(read_page(full()), "cost")
    found = dict(zip(header, sidecars, strict=True))

    assert header[1:9] == [
        "vCPU used",
        "USD a year, used",
        "saving as used",
        "vCPU requested",
        "USD a year, requested",
        "vCPU billed",
        "USD a year, billed",
        "saving as billed",
    ]
    assert sidecars[0] == f"{MODE_TITLES[SIDECAR]} sidecar measured"
    assert [found[f"vCPU {basis}"] for basis in ("used", "requested", "billed")] == [
        *("0.44", "0.3", "0.54")
    ]
    assert found["USD a year, billed"] == "$143"
    assert sidecars[-1] == "0.281"
    assert len(ambient) == 3


def test_what_is_not_known_of_a_basis_is_said() -> None:
    page = read_page(refused())
    header, _ = table_of(page, "cost")

    assert not [title for title in header if "billed" in title]
    # A refusal has the cause.
    assert "requested and billed: no" in section_text(page, "quality")
    assert "requested and billed: no" not in section_text(read_page(full()), "quality")


def test_the_posts_arithmetic_is_there_to_the_dollar() -> None:
    _, sidecars, l4, everywhere = table_of(read_page(constants_only()), "cost")

    assert sidecars[2] == "$2,376,000"
    assert l4[2] == "$15,840"
    assert everywhere[2] == "$174,240"
    assert (l4[3], everywhere[3]) == ("99 %", "93 %")


def test_charts_stand_in_their_order_with_their_words_and_sizes() -> None:
    first, second = read_page(full()).all("img")

    assert first.attributes["alt"] == "Ambient saves half. In dollars."
    assert second.attributes["alt"] == 'What "nobody" <knows>.'
    assert (first.attributes["width"], first.attributes["height"]) == ("800", "450")
    start = "data:image/png;base64,"
    assert base64.b64decode(first.attributes["src"].removeprefix(start)) == png(1600, 900)


def test_a_chart_leads_to_the_table_of_its_name_and_one_without_does_not() -> None:
    first, second = read_page(full()).all("figcaption")

    assert first.one("a").attributes["href"] == "#cost"
    assert second.all("a") == []
    assert read_page(full()).one("h3", id="chart-cost").text == "Cost"
    assert read_page(full()).one("h3", id="chart-wholly_new").text == "Wholly new"


def test_a_chart_has_the_text_on_how_to_read_it_beside_it() -> None:
    picture = Picture(png=png(2, 2), description="a", reading="Each dot is 5 % of it.")
    caption = read(as_html(full(), {"cost": picture})).one("figcaption")

    assert caption.all("p")[1].text == picture.reading


def test_long_tables_are_folded_but_for_the_costs_and_the_findings() -> None:
    many = [replace(workload(f"shop/w{number}"), mean_vcpu=1.0) for number in range(13)]
    page, short = (
        read_page(calibration_only(fitted_calibration(workloads)))
        for workloads in (many, many[:12])
    )

    (folded,) = page.all("details", id="workloads")
    assert folded.one("summary").text.endswith("(13 rows)")
    assert not short.all("details", id="workloads")
    assert len(short.all("div", id="workloads")) == 1


def test_no_line_breaks_between_a_number_and_its_unit() -> None:
    page = read_page(full(note="About 5 % of 3 vCPU."))
    code = {id(item) for part in page.all("pre") for item in part.walk()}
    loose = [
        found
        for element in page.one("body").walk()
        for text in element.children
        if isinstance(text, str) and id(element) not in code
        for found in re.findall(r"\d[\])]? (?:%|vCPU|GiB|requests/s)", text)
    ]

    assert "5\N{NO-BREAK SPACE}% of 3\N{NO-BREAK SPACE}vCPU" in page.one("p", role="note").raw
    assert loose == []


def test_names_and_code_keep_their_blanks() -> None:
    workloads = [replace(workload(), namespace="a 5 % b", workload="x")]
    page = read_page(calibration_only(fitted_calibration(workloads)))

    assert "a 5 % b" in page.one("div", id="workloads").one("th", scope="row").raw


def test_a_chart_that_was_not_drawn_says_why() -> None:
    text = section_text(read_page(full()), "charts")

    assert "Charts not drawn" in text
    assert str(CHARTS["timeline"]) in text


def test_without_charts_there_is_no_section_of_them() -> None:
    page = read(as_html(full(), {}))

    assert page.all("section", id="charts") == []
    assert "Charts" not in page.one("nav").text


def test_workloads_are_in_order_of_what_they_use_and_refusals_are_words() -> None:
    workloads = [
        replace(workload("shop/little"), mean_vcpu=0.1),
        replace(workload("shop/much"), mean_vcpu=0.9),
        replace(workload("cache/none", fitted=False), mean_vcpu=0.01),
    ]
    _, much, little, none = table_of(
        read_page(calibration_only(fitted_calibration(workloads))), "workloads"
    )

    assert much[0] == "shop/much"
    assert little[0] == "shop/little"
    assert much[4] == "0.25 0.21-0.29"
    assert none[4:] == ["cannot tell", "cannot tell", "", ""]


def test_fifty_workloads_are_shown_and_the_others_are_pointed_to() -> None:
    many = [replace(workload(f"shop/w{number}"), mean_vcpu=1.0) for number in range(53)]
    page = read_page(calibration_only(fitted_calibration(many)))

    assert len(table_of(page, "workloads")) == 1 + 50
    assert section_text(page, "by-workload").endswith("And 3 more: see workloads.csv.")
    fifty = read_page(calibration_only(fitted_calibration(many[:50])))
    assert "more: see" not in section_text(fifty, "by-workload")


def test_namespaces_are_in_the_order_of_the_projection() -> None:
    header, shop, data = table_of(read_page(full()), "namespaces")
    found = dict(zip(header, shop, strict=True))

    assert [found[title] for title in ("sidecars", "requests/s")] == ["2", "250"]
    assert found["decision"] == "move"
    assert [row[0].split()[0] for row in (shop, data)] == ["shop", "data"]


def test_findings_have_their_code_their_fix_and_only_the_first_names() -> None:
    finding = Finding(
        name="requests_without_cpu",
        severity=Severity.SERIOUS,
        text="half was not seen",
        affected=tuple(f"shop/pod-{number}" for number in range(23)),
        fix="look again",
        cpu_share=0.5,
    )
    (cells,) = quality_cells(finding)

    assert cells[0] == "serious"
    assert cells[1] == "IU202"
    assert cells[2].startswith(f"{finding.text} 23 names shop/pod-0")
    assert cells[2].endswith("And 3 more: see result.json.")
    assert "shop/pod-19" in cells[2]
    assert "shop/pod-20" not in cells[2]
    assert cells[3:] == ["50 %", "look again"]


def quality_cells(*findings: Finding) -> list[list[str]]:
    """Return the cells of the table of findings, a row a finding."""
    answer = full()
    assert answer.usage is not None
    page = read_page(replace(answer, usage=replace(answer.usage, findings=findings)))
    rows = page.one("section", id="quality").one("tbody").all("tr")
    return [[cell.text for cell in row.all("th", "td")] for row in rows]


def test_findings_have_the_columns_that_any_of_them_fills() -> None:
    gaps = Finding(name="gaps", text="a", time_share=0.25, bias=Bias.EITHER)
    twice = Finding(name="duplicate_scrapes", text="b", bias=Bias.NONE)
    plain = Finding(name="instance_types", text="c")

    assert [row[1:] for row in quality_cells(gaps, twice, plain)] == [
        ["IU102", "a", "25 %", BIASED[Bias.EITHER]],
        ["IU112", "b", "", "are not affected"],
        ["IU109", "c", "", ""],
    ]
    assert quality_cells(plain) == [["warning", "IU109", "c"]]


def test_warnings_and_refusals_are_told() -> None:
    text = section_text(read_page(refused()), "quality")

    assert "[IU102] a step was missed" in text
    assert "role of a/b: no evidence" in text
    for refusal in refused().refusals:
        assert str(refusal) in text


def test_each_assumption_has_its_value_range_unit_and_source() -> None:
    answer = full(assumed=scenario(waypoint_replicas=3))
    assert answer.projection is not None
    assert answer.projection.workings is not None
    assumed = answer.projection.workings.scenario.assumptions
    found = {row[0]: row[1:] for row in table_of(read_page(answer), "assumptions")[1:]}

    assert found.keys() == assumed.keys()
    assert found["waypoint_replicas"] == ["3", assumed["waypoint_replicas"].unit, "a test"]
    ratio = found["waypoint_to_sidecar_ratio"]
    assert ratio[0] == "1.15 0.85-1.52"
    assert ratio[2] == " ".join(assumed["waypoint_to_sidecar_ratio"].source.split())


def test_published_constants_stand_with_their_sources() -> None:
    found = table_of(read_page(full()), "constants")[1:]

    assert [row[-1] for row in found] == [item.source for item in published_constants().values()]
    # Three sidecars of 0.6 each.
    assert found[0][1:5] == ["0.6 each", "0.3 each", "0.6 each", "1.8"]


def test_the_queries_stand_as_they_were_sent() -> None:
    promql = 'sum by (pod) (\n  rate(x{a=~"b|<c>"}[5m])  # "two  blanks"\n)'
    query = QueryRecord(
        name="proxy_cpu_vcpu",
        unit="vcpu",
        promql=promql,
        series_count=7,
        sample_count=70,
        file="x.parquet",
        sha256="",
    )
    answer = full()
    assert answer.manifest is not None
    page = read_page(replace(answer, manifest=replace(answer.manifest, queries=(query,))))
    listed = page.one("dl", **{"class": "queries"})

    assert listed.one("pre").raw == promql
    assert listed.one("dt").text.startswith("proxy_cpu_vcpu in vcpu")
    assert listed.one("dt").text.endswith("7 series, 70 samples")


def test_the_way_to_do_it_again_is_worded_by_the_front_end() -> None:
    answer = full()
    front_end = FrontEnd(
        spelling={Setting.SCENARIO: "--assume"}, reproduce=lambda manifest: (manifest.source, "b")
    )
    again = read_page(replace(answer, front_end=front_end)).one("section", id="again")

    assert answer.manifest is not None
    assert again.all("pre")[0].raw.splitlines() == [answer.manifest.source, "b"]
    assert "--assume" in again.text
    assert "`scenario`" in section_text(read_page(answer), "again")


def test_the_scenario_file_is_there_to_be_copied() -> None:
    text = read_page(full(assumed=scenario(waypoint_replicas=2))).one("section", id="sources").text

    assert "waypoint_replicas = 2" in text
