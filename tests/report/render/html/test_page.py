"""Of every answer: the page is whole, in order, asks for nothing and is the same again."""

import base64
import hashlib
import itertools
import re
from collections.abc import Callable, Mapping
from functools import cache

import pytest

from analyzer.report.answer import Answer
from tests.projection.builders import scenario
from tests.report.answers import (
    calibration_only,
    constants_only,
    full,
    naughty,
    refused,
    scattered,
    sized,
)
from tests.report.render.html.pages import page_of
from tests.report.render.html.reading import Element, read, rows

ANSWERS: Mapping[str, Callable[[], Answer]] = {
    "full": full,
    "billed": lambda: full(assumed=scenario(basis="billed")),
    "refused": refused,
    "constants only": constants_only,
    "calibration only": calibration_only,
    "naughty names": naughty,
    "scattered": lambda: scattered(3, 4),
    "one pod": lambda: sized(1),
    "free": lambda: full(assumed=scenario(vcpu_month_usd=0)),
    "nothing": Answer,
}


@cache
def text_of(name: str) -> str:
    return page_of(ANSWERS[name]())


@pytest.fixture(params=sorted(ANSWERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(name: str) -> Element:
    return read(text_of(name))


def test_every_element_is_closed_in_its_turn_and_every_id_stands_once(page: Element) -> None:
    names = [item.attributes["id"] for item in page.walk() if "id" in item.attributes]

    assert len(set(names)) == len(names)
    for item in page.all("a"):
        target = item.attributes["href"]
        assert target.startswith("https://") or target.removeprefix("#") in names
    for item in page.walk():
        assert item.attributes.get("aria-labelledby", names[0]) in names


def test_headings_go_down_one_step_at_a_time_from_a_single_first_one(page: Element) -> None:
    levels = [int(item.tag[1]) for item in page.all("h1", "h2", "h3", "h4")]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_page_has_its_landmarks_and_a_way_past_the_first_ones(page: Element) -> None:

    assert page.one("html").attributes["lang"] == "en"
    assert [item.tag for item in page.all("header", "nav", "main", "footer")] == [
        "header",
        "nav",
        "main",
        "footer",
    ]
    first_link = page.all("a")[0]
    assert first_link.attributes["class"] == "skip"
    assert page.one("section", id=first_link.attributes["href"][1:]).text.startswith("The answer")


def test_every_table_has_a_caption_scopes_and_a_focusable_frame(
    page: Element,
) -> None:
    frames = [item for item in page.all("div") if item.attributes.get("class") == "scroll"]

    assert frames
    assert len(page.all("table")) == len(frames)
    for frame in frames:
        assert frame.attributes["role"] == "region"
        assert frame.attributes["tabindex"] == "0"
        table = frame.one("table")
        assert table.one("caption").text.startswith(frame.attributes["aria-label"])
        assert {item.attributes["scope"] for item in table.all("th")} == {"col", "row"}
        assert len({len(row) for row in rows(table)}) == 1


def test_the_policy_permits_this_style_and_data_pictures_and_nothing_else(page: Element) -> None:
    digest = hashlib.sha256(page.one("style").raw.encode()).digest()
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]

    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{base64.b64encode(digest).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert page.one("meta", name="referrer").attributes["content"] == "no-referrer"


def test_nothing_runs_and_nothing_is_fetched(page: Element) -> None:

    for item in page.walk():
        assert item.tag not in {"script", "iframe", "object", "embed", "form", "base", "video"}
        assert not [name for name in item.attributes if name.startswith("on") or name == "style"]
        assert item.attributes.get("src", "data:").startswith("data:")
        assert item.tag != "link" or item.attributes["href"] == "data:,"
    assert not re.search(r"url\(|@import", page.one("style").raw)


def test_no_figure_is_nan_or_none(page: Element) -> None:
    text = page.one("main").text

    assert not re.search(r"\bnan\b|\bNone\b|\binf\b|-0 %|-0\.0 %", text)


def test_the_same_answer_gives_the_same_text(name: str) -> None:
    assert page_of(ANSWERS[name]()) == text_of(name)
