"""What an answer says of itself: the fit, and every refusal and warning once."""

from dataclasses import replace

from analyzer.report.answer import Answer
from analyzer.units import Reason
from tests.projection.builders import shop_mesh
from tests.projection.fits import calibration, fit
from tests.report.answers import calibration_only, constants_only, full, refused


def test_the_fit_of_the_sidecars_is_at_hand() -> None:
    assert full(fitted=calibration()).sidecar == fit()


def test_a_refused_fit_is_none() -> None:
    assert refused().sidecar is None
    assert constants_only().sidecar is None


def test_refusals_are_told_in_the_order_of_the_steps() -> None:
    subjects = [refusal.subject for refusal in refused().refusals]

    assert subjects == [
        "role of a/b",
        "cost of a request through a sidecar",
        "ambient modes",
        "cost of a request through a waypoint",
        "reserved and billed",
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


def test_every_warning_is_told_once() -> None:
    assert refused().warnings == (
        "a step was missed",
        "12% of the sidecars' CPU is not explained by the fit",
    )


def test_clusters_that_no_label_tells_apart_are_a_refusal() -> None:
    usage = shop_mesh()
    told = Answer(usage=replace(usage, clusters=("east", "west")))
    untold = Answer(usage=usage)

    assert told.refusals == ()
    assert [refusal.reason for refusal in untold.refusals] == [Reason.NO_DATA]
    assert "--cluster-label" in untold.refusals[0].detail


def test_an_answer_of_nothing_says_nothing() -> None:
    assert (Answer().refusals, Answer().warnings, Answer().sidecar) == ((), (), None)


def test_a_warning_of_the_calibration_reaches_the_answer() -> None:
    answer = calibration_only()
    assert answer.calibration is not None
    warned = replace(answer, calibration=replace(answer.calibration, warnings=("careful",)))

    assert warned.warnings == ("careful",)
