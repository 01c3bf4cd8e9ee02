"""What an answer says of itself: the fit, and every refusal and warning once."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from analyzer.measurement.anonymise import HIDDEN_SOURCE
from analyzer.measurement.findings import Finding, Severity
from analyzer.report.answer import Answer, FrontEnd, reproduce_in_python
from analyzer.settings import Setting, settings_in
from analyzer.units import Reason, Refusal
from tests.projection.builders import shop_mesh
from tests.projection.fits import calibration, fit, no_fit
from tests.report.answers import calibration_only, constants_only, full, refused, warning


def test_the_fit_of_the_sidecars_is_at_hand() -> None:
    assert full(fitted=calibration()).sidecar == fit()


def test_a_refused_fit_is_none() -> None:
    assert refused().sidecar is None
    assert constants_only().sidecar is None


def test_refusals_are_told_in_the_order_of_the_steps() -> None:
    answer = refused()
    assert answer.calibration is not None
    assert isinstance(answer.calibration.waypoint, Refusal)
    subjects = [refusal.subject for refusal in answer.refusals]

    assert subjects == [
        "role of a/b",
        no_fit().subject,
        "ambient modes",
        answer.calibration.waypoint.subject,
        "requested and billed",
        "sidecar-rightsized",
        "number of clusters",
    ]


def test_a_refusal_of_two_steps_is_told_once() -> None:
    answer = refused()
    assert answer.usage is not None
    assert answer.projection is not None
    again = replace(answer.usage, refusals=answer.projection.refusals)
    subjects = [refusal.subject for refusal in replace(answer, usage=again).refusals]

    assert len(subjects) == len(set(subjects))
    assert subjects[0] == "ambient modes"


def test_every_warning_is_there_once() -> None:
    texts = [item.text for item in refused().warnings]

    # The usage and the calibration both have the first.
    assert texts == ["a step was missed", "12 % is not explained"]


def test_clusters_that_no_label_tells_apart_are_a_refusal() -> None:
    usage = shop_mesh()
    told = Answer(usage=replace(usage, clusters=("east", "west")))
    untold = Answer(usage=usage)

    assert told.refusals == ()
    assert [refusal.reason for refusal in untold.refusals] == [Reason.NO_DATA]
    assert settings_in(untold.refusals[0].detail) == (Setting.CLUSTER_LABEL,)


def test_an_answer_of_nothing_says_nothing() -> None:
    assert (Answer().refusals, Answer().warnings, Answer().sidecar) == ((), (), None)


def test_a_warning_of_the_calibration_reaches_the_answer() -> None:
    answer = calibration_only()
    assert answer.calibration is not None
    careful = warning("careful")
    warned = replace(answer, calibration=replace(answer.calibration, warnings=(careful,)))

    assert warned.warnings == (careful,)


def test_findings_warnings_and_refusals_name_settings_as_the_front_end_does() -> None:
    days = str(Setting.DAYS)
    finding = Finding(name="short", severity=Severity.WARNING, text=days, fix=f"more {days}")
    refusal = Refusal(subject=days, reason=Reason.NO_DATA, detail=days)
    usage = replace(
        shop_mesh(),
        clusters=("a", "b"),
        findings=(finding,),
        refusals=(refusal,),
        warnings=(warning(days),),
    )
    front_end = FrontEnd(spelling={Setting.DAYS: "--for-days"})
    answer = Answer(usage=usage, front_end=front_end)

    assert [(item.text, item.fix) for item in answer.findings] == [
        ("--for-days", "more --for-days")
    ]
    assert [str(item) for item in answer.refusals] == ["--for-days: --for-days"]
    assert answer.warnings == (warning("--for-days"),)
    assert Answer(usage=usage).warnings == (warning(days),)


def test_in_python_the_same_window_is_collected_by_the_package() -> None:
    manifest = full().manifest
    assert manifest is not None
    lines = reproduce_in_python(manifest)
    asked: dict[str, Any] = {}
    mesh = SimpleNamespace(
        collect=lambda url, **given: asked.update(url=url, **given), project=lambda _: None
    )
    exec("\n".join(line for line in lines if "import analyzer" not in line), {"mesh": mesh})

    assert asked["url"] == manifest.source
    assert (asked["start"], asked["end"]) == (manifest.window.start, manifest.window.end)
    assert asked["step_seconds"] == manifest.window.step_seconds
    assert lines[-1] == "projection = mesh.project(snapshot)"
    hidden = replace(manifest, source=HIDDEN_SOURCE)
    assert "load_snapshot" in reproduce_in_python(hidden)[2]
