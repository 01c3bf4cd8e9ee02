"""The page in a browser: it asks for nothing, everybody can use it, and names do nothing."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from analyzer.measurement.manifest import QueryRecord
from analyzer.report.answer import Answer
from analyzer.report.write import write_report
from tests.report.answers import constants_only, fitted_calibration, full, naughty, workload
from tests.report.render.html.pages import page_of
from tests.support.binaries import find_binary

Scheme = Literal["light", "dark"]

WIDE = ViewportSize(width=1280, height=900)
NARROW = ViewportSize(width=390, height=844)

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

MISUSED = ("<img src=x onerror=alert(1)>", '=HYPERLINK("x")')


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # A sandbox of its own needs rights that a container's root has not got.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=find_binary("chromium"), args=arguments
        )
        yield launched
        launched.close()


def told(answer: Answer) -> Answer:
    """Return the answer with a query, so that the page has everything it can have."""
    query = QueryRecord(
        name="x", unit="vcpu", promql="up " * 99, series_count=1, sample_count=1, file="", sha256=""
    )
    assert answer.manifest is not None
    return replace(answer, manifest=replace(answer.manifest, queries=(query,)))


def misused() -> Answer:
    workloads = [workload(f"{name}/{name}") for name in MISUSED]
    return full(note=MISUSED[0], fitted=fitted_calibration(workloads))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the pages of these tests; one of them with its real charts."""
    folder = tmp_path_factory.mktemp("pages")
    for name, answer in {
        "naughty": naughty(),
        "misused": misused(),
        "post": constants_only(),
    }.items():
        (folder / f"{name}.html").write_text(page_of(answer), encoding="utf-8")
    write_report(told(full(note="A simulated mesh.")), folder / "report")
    (folder / "report" / "report.html").rename(folder / "full.html")
    return folder


PAGES = ("full", "naughty", "misused", "post")


class Watched:
    """A page that was opened from disk, and everything it did that a page should not."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.misdeeds: list[str] = []
        page.on("console", lambda message: self.misdeeds.append(f"said: {message.text}"))
        page.on("pageerror", lambda error: self.misdeeds.append(f"failed: {error}"))
        page.on("dialog", lambda dialog: self.misdeeds.append(f"asked: {dialog.message}"))
        page.on("request", lambda request: self.requested.append(request.url))
        self.requested: list[str] = []
        # What the policy refuses is told to the page itself.
        page.add_init_script(
            "window.refused = [];"
            "addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective))"
        )
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")

    @property
    def refused(self) -> list[str]:
        return list(self.page.evaluate("window.refused"))


@pytest.fixture(params=PAGES)
def watched(request: pytest.FixtureRequest, browser: Browser, folder: Path) -> Iterator[Watched]:
    page = browser.new_page(viewport=WIDE)
    yield Watched(page, folder / f"{request.param}.html")
    page.close()


@pytest.fixture
def opened(browser: Browser, folder: Path) -> Iterator[Page]:
    page = browser.new_page(viewport=WIDE)
    page.goto((folder / "full.html").as_uri())
    yield page
    page.close()


def test_it_asks_for_nothing_but_itself_and_does_nothing_amiss(watched: Watched) -> None:
    own = watched.page.url

    assert [url for url in watched.requested if not url.startswith("data:")] == [own]
    assert watched.misdeeds == []
    assert watched.refused == []


def test_every_picture_is_a_chart_and_is_shown(watched: Watched) -> None:
    sizes = watched.page.eval_on_selector_all(
        "img", "all => all.map(i => [i.naturalWidth, i.closest('figure') !== null])"
    )

    assert sizes
    assert all(width > 0 and is_chart for width, is_chart in sizes)


def test_a_script_that_somebody_puts_into_the_page_is_refused(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    text = (folder / "full.html").read_text(encoding="utf-8")
    changed = tmp_path / "changed.html"
    changed.write_text(text.replace("<main>", "<script>alert(1)</script><main>"), encoding="utf-8")
    page = browser.new_page()
    watched = Watched(page, changed)

    # Else the silence of the other tests would say nothing.
    assert watched.refused == ["script-src-elem"]
    assert not [misdeed for misdeed in watched.misdeeds if misdeed.startswith("asked")]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", ["full", "post"])
def test_everybody_can_use_it(
    browser: Browser,
    folder: Path,
    name: str,
    viewport: ViewportSize,
    scheme: Scheme,
) -> None:
    page = browser.new_page(viewport=viewport, color_scheme=scheme)
    page.goto((folder / f"{name}.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")

    assert found["passes"]
    assert [
        (item["id"], item["impact"], item["nodes"][0]["html"]) for item in found["violations"]
    ] == []
    page.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_itself_never_scrolls_sideways(
    browser: Browser, folder: Path, name: str, width: int
) -> None:
    page = browser.new_page(viewport=ViewportSize(width=width, height=844))
    page.goto((folder / f"{name}.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


def test_the_cost_table_fits_a_desk_and_scrolls_on_a_telephone(opened: Page) -> None:
    measure = "t => t.scrollWidth - t.clientWidth"

    assert opened.eval_on_selector("#cost", measure) == 0
    opened.set_viewport_size(NARROW)
    assert opened.eval_on_selector("#cost", measure) > 0


def test_names_from_outside_are_shown_as_they_are_and_do_nothing(
    browser: Browser, folder: Path
) -> None:
    page = browser.new_page()
    watched = Watched(page, folder / "misused.html")
    heads = page.locator("#workloads tbody th").all_inner_texts()

    assert sorted(heads) == sorted(f"{name}/{name}" for name in MISUSED)
    assert page.locator("[role=note]").inner_text() == MISUSED[0]
    assert page.locator("img").count() == page.locator("figure img").count() == 2
    assert watched.misdeeds == []
    page.close()


def test_the_keyboard_reaches_the_answer_first_and_every_table(opened: Page) -> None:
    opened.evaluate("document.querySelectorAll('details.table').forEach(d => d.open = true)")
    focused: list[str] = []
    for _ in range(200):
        opened.keyboard.press("Tab")
        label = opened.evaluate(
            "(e => e === document.body ? null : e.getAttribute('aria-label') || e.innerText)"
            "(document.activeElement)"
        )
        if label is None or label in focused[:1]:
            break
        focused.append(label)
    tables = opened.eval_on_selector_all(
        "table", "all => all.map(t => t.parentElement.getAttribute('aria-label'))"
    )

    assert focused[0] == "Skip to the answer"
    assert len(tables) > 5
    assert [label for label in focused if label in tables] == tables


def test_the_skip_link_shows_when_it_is_reached_and_leads_to_the_answer(opened: Page) -> None:
    skip = opened.locator("a.skip")

    assert skip.bounding_box()["x"] < 0  # type: ignore[index]
    opened.keyboard.press("Tab")
    assert skip.bounding_box()["x"] > 0  # type: ignore[index]
    opened.keyboard.press("Enter")
    assert opened.evaluate("document.activeElement.id") == "answer"


def test_what_is_reached_has_an_outline(opened: Page) -> None:
    opened.keyboard.press("Tab")
    opened.keyboard.press("Tab")

    style = opened.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


def shot(page: Page, selector: str) -> NDArray[np.int64]:
    """Return the lightness of a part's pixels, 0 to 255, a row a line."""
    picture = Image.open(io.BytesIO(page.locator(selector).first.screenshot()))
    return np.asarray(picture.convert("L"), dtype=np.int64)


@pytest.mark.parametrize(("scheme", "low", "high"), [("light", 245, 255), ("dark", 20, 50)])
def test_charts_have_the_ground_of_the_page(
    browser: Browser, folder: Path, scheme: Scheme, low: int, high: int
) -> None:
    page = browser.new_page(viewport=WIDE, color_scheme=scheme)
    page.goto((folder / "full.html").as_uri())
    pixels = shot(page, "#chart-cost + figure .card")

    # Most of a chart is ground; in the dark, none of it is a white box.
    ground = np.median(pixels)
    assert low <= ground <= high
    assert (abs(pixels - ground) <= 3).mean() > 0.5
    if scheme == "dark":
        assert (pixels > 240).mean() < 0.02
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("selector", ["#cost", "#chart-cost + figure .card"])
def test_what_scrolls_has_a_shadow_at_the_edge_beyond_which_it_goes_on(
    browser: Browser, folder: Path, selector: str, scheme: Scheme
) -> None:
    page = browser.new_page(viewport=NARROW, color_scheme=scheme)
    page.goto((folder / "full.html").as_uri())

    def contrast() -> float:
        pixels = shot(page, selector)[:, -14:-2]
        # The ground of a column is what most of its pixels have.
        columns = np.median(pixels, axis=0)
        return float(abs(columns[-1] - columns[0]))

    before = contrast()
    page.eval_on_selector(selector, "e => e.scrollLeft = e.scrollWidth")
    page.wait_for_timeout(100)
    assert before > 15
    assert contrast() < 4
    page.close()


def test_long_tables_are_folded_and_open_at_a_click(opened: Page) -> None:
    folded = opened.locator("details.table")
    first = folded.first

    assert folded.count() > 0
    assert not first.locator("table").is_visible()
    first.locator("summary").click()
    assert first.locator("table").is_visible()
    assert opened.locator("#cost table").is_visible()


def test_folded_tables_are_printed(opened: Page) -> None:
    opened.emulate_media(media="print")

    assert opened.locator("details.table table").first.is_visible()


def test_a_desk_is_used_and_lines_are_short(opened: Page) -> None:
    wide = "all => Math.max(...all.map(e => e.getBoundingClientRect().width))"

    assert opened.eval_on_selector_all("main", wide) > 1150
    assert opened.eval_on_selector_all("figure", wide) > 1150
    assert opened.eval_on_selector_all("figure img", wide) > 800
    # Some 80 letters.
    assert opened.eval_on_selector_all("section > ul > li", wide) < 620


def test_it_prints_on_white_without_its_menu(browser: Browser, folder: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto((folder / "full.html").as_uri())
    printed = page.pdf(format="A4")
    page.emulate_media(media="print")

    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") > 1
    assert not page.locator("nav").is_visible()
    assert page.eval_on_selector("body", "e => getComputedStyle(e).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    page.close()
