"""Where a line may not be broken."""

import pytest

from analyzer.report.spacing import NO_BREAK, unbroken


@pytest.mark.parametrize(
    "text",
    [
        "4 %",
        "0.401 vCPU",
        "9,000 vCPUs",
        "1.5 GiB",
        "30 s",
        "5 min",
        "20 requests/s",
        "7 proxy requests/s",
        "0.2 [0.1-0.3] vCPU",
        "68 (61-74) %",
    ],
)
def test_a_number_stays_with_its_unit(text: str) -> None:
    head, _, unit = text.rpartition(" ") if "proxy" not in text else text.partition(" ")

    assert unbroken(f"a {text} b") == f"a {head}{NO_BREAK}{unit} b"


@pytest.mark.parametrize("text", ["6 namespaces", "3 sidecars", "2024 shop", "vCPU %", "1 s-curve"])
def test_other_blanks_may_be_broken(text: str) -> None:
    assert unbroken(text) == text


def test_it_can_be_done_twice() -> None:
    once = unbroken("4 % of 3 vCPU")

    assert unbroken(once) == once
