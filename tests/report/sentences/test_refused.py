"""Refusals that differ in their subject only are one line, and nothing is lost below that."""

from analyzer.report.sentences.refused import grouped
from analyzer.units import Reason, Refusal


def refusal(subject: str, detail: str = "It has 3 samples.") -> Refusal:
    return Refusal(subject=subject, reason=Reason.TOO_FEW_SAMPLES, detail=detail)


def test_three_hundred_alike_are_one_line_with_three_names() -> None:
    many = [refusal(f"cost per request of a/{n}") for n in range(300)]

    assert list(grouped(many)) == [
        "cost per request of a/0, a/1, a/2 and 297 more: It has 3 samples."
    ]


def test_figures_that_differ_are_those_of_the_first() -> None:
    many = [refusal(f"cost of a/{n}", f"It has {n} samples.") for n in range(1, 6)]

    assert list(grouped(many)) == [
        "cost of a/1, a/2, a/3 and 2 more: It has 1 samples. The figures are those of a/1."
    ]


def test_a_few_are_a_line_each() -> None:
    few = [refusal(f"cost of a/{n}") for n in range(3)]

    assert list(grouped(few)) == list(map(str, few))


def test_what_differs_in_kind_stays_apart_in_its_order() -> None:
    roles = [refusal(f"role of a/{n}") for n in range(5)]
    costs = [refusal(f"cost of a/{n}", "Its rate is steady.") for n in range(5)]
    alone = refusal("savings")

    lines = list(grouped([roles[0], alone, *costs, *roles[1:]]))
    assert [line.partition(":")[0] for line in lines] == [
        "role of a/0, a/1, a/2 and 2 more",
        "savings",
        "cost of a/0, a/1, a/2 and 2 more",
    ]


def test_subjects_without_a_thing_are_never_one() -> None:
    assert len(list(grouped([refusal(f"subject {n}") for n in range(5)]))) == 5
