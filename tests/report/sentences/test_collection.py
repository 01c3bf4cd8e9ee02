"""Origin of the data, in sentences."""

from dataclasses import replace

from analyzer.report.sentences.collection import again, window_title
from tests.report.answers import constants_only, full


def test_the_window_is_in_utc_with_its_interval() -> None:
    # Two steps of 300 s from midnight.
    assert (
        window_title(full().manifest)
        == "2024-05-14 00:00 to 2024-05-14 00:10 UTC, 10 min in intervals of 5 min"
    )


def test_an_interval_that_is_no_whole_minute_is_in_seconds() -> None:
    answer = full()
    assert answer.manifest is not None
    window = replace(answer.manifest.window, step_seconds=50)
    changed = replace(answer, manifest=replace(answer.manifest, window=window))

    assert window_title(changed.manifest).endswith("in intervals of 50 s")


def test_a_hypothetical_mesh_has_no_window() -> None:
    assert window_title(constants_only().manifest) == "Hypothetical mesh, published benchmarks"


def test_the_page_names_the_source_and_introduces_the_commands() -> None:
    manifest = full().manifest
    assert manifest is not None
    first, second = again(manifest, has_scenario=True)

    assert first.endswith("CPU is scraped every 60 s, requests every 15 s.")
    assert second.endswith("Give the scenario file above with `scenario`.")
    assert "scenario" not in list(again(manifest, has_scenario=False))[1]
