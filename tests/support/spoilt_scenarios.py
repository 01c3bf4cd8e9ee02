"""Scenarios with random values, by seed: many that nobody can mean, and extreme ones."""

import random
from collections.abc import Mapping, Sequence
from typing import Final

_TOML: Final = (
    "nan", "-nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "-0.0", "0", "-1", "1", "0.5",
    "1e12",
    "1e13", "9" * 30, "9" * 5000, "0x" + "f" * 5000, "true", '""', '"x"', "[]", "{}", "[[]]", "[1]",
    "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "{ low = 1, mid = 2, high = 3 }",
    "{ low = 0, mid = 0, high = 1e12 }", "{ low = 3, mid = 2, high = 1 }", "{ mid = nan }",
    "{ low = 0, mid = 1e-300, high = 1e300 }", "{ mid = 1, hi = 2 }", '"usage"', '"reserved"',
    '["a", "b"]', '{ shared = [["a"], ["b"]] }', '{ shared = [["a"], ["a"]] }', "[" * 2000,
    '"\\u0000"',
    '"all"', '"none"', '"hpa"', '"random"', '"opencost"', '"set"', "{ a = { b = { c = 1 } } }",
    '{ days = ["mon"], start = "00:00", end = "24:00", time_zone = "UTC" }',
    '{ days = ["mon"], start = "00:00:00+01:00", end = "24:00", time_zone = "UTC" }',
    '{ days = [1], start = 07:32:00, end = 1, time_zone = "../../etc/passwd" }',
    '{ days = ["sun"], start = "23:59:59.999999", end = "24:00", time_zone = "\\u0000" }',
    '{ "" = { vcpu_hour_usd = 1, memory_gib_hour_usd = 1e12 } }',
    '{ "m5.xlarge" = { vcpu_hour_usd = -1, memory_gib_hour_usd = nan } }',
    '{ "m5.xlarge" = { vcpu_hour_usd = 1e-300, memory_gib_hour_usd = 0 } }',
    '{ "m5.xlarge" = 5 }', "'''\n'''", '"' + "n" * 50_000 + '"',
)  # fmt: skip

_PERMITTED: Final = ("0", "1", "0.5", "1e12", "{ low = 0, mid = 1, high = 1e12 }", "1e-300", "100")
_PERMITTED_OF: Final[Mapping[str, Sequence[str]]] = {
    "basis": ('"usage"', '"reserved"', '"billed"'),
    "waypoint_placement": (
        '"observed"', '"all"', '"none"', '["default"]', '["no such"]', "0", "0.5", "1", "1e-300",
        '{ shared = [["default", "a"], ["b"]] }',
    ),
    "waypoint_traffic_distribution": ('"prefer-close"', '"random"'),
    "waypoint_scaling": ('"fixed"', '"hpa"'),
    "ingress_through_waypoint": ("true", "false"),
    "istio_cni_installed": ("true", "false"),
    "rightsizing_cpu_limit": ('"none"', '"keep"', '"set"'),
    "rightsizing_percentile": ("50", "99.9999", "100"),
    "rightsizing_limit_factor": ("1", "100"),
    **dict.fromkeys(
        ("waypoint_to_sidecar_ratio", "ztunnel_to_sidecar_ratio", "traffic_growth_factor"),
        ("1e-300", "1", "1e12"),
    ),
    **dict.fromkeys(("waypoint_replicas", "waypoint_spare_replicas"), ("1", "2", "100")),
    **dict.fromkeys(
        (
            "istiod_fixed_share",
            "http_new_connection_share",
            "waypoint_target_utilisation_share",
            "waypoint_limit_vcpu_per_replica",
            "rightsizing_headroom_share",
            "rightsizing_unseen_headroom_share",
            "rightsizing_memory_headroom_share",
            "rightsizing_memory_limit_share",
        ),
        ("1", "0.5", "1e-300"),
    ),
    "prices": (
        '"flat"', '"opencost"',
        '{ "m5.xlarge" = { vcpu_hour_usd = 1e-300, memory_gib_hour_usd = 0 } }',
        '{ "m5.xlarge" = { vcpu_hour_usd = 1, memory_gib_hour_usd = 1e12 } }',
    ),
    "working_hours": (
        '{ days = ["mon"], start = "00:00", end = "24:00", time_zone = "UTC" }',
        '{ days = ["sun"], start = "23:59", end = "24:00", time_zone = "Asia/Kolkata" }',
    ),
}  # fmt: skip
"""Permitted values, some of them extreme: of most keys, and of those that take no such number."""


def spoilt_scenario(keys: Sequence[str], chance: random.Random) -> str:
    """Return the text of a scenario with some of these keys.

    In half of the cases all values are of the right kind, though they may be extreme.
    """
    chosen = chance.sample(list(keys), chance.choice((1, 1, 2, 4, len(keys))))
    calm = chance.random() < 0.5
    values = (_PERMITTED_OF.get(key, _PERMITTED) if calm else _TOML for key in chosen)
    lines = [f"{key} = {chance.choice(each)}" for key, each in zip(chosen, values, strict=True)]
    if not calm and chance.random() < 0.15:
        lines.append(
            chance.choice(("", "[x]", "a.b.c = 1", "=", '"\\q" = 1', "\x00", "\ufeff", "[[a]]"))
        )
    if not calm and chance.random() < 0.05:
        lines = [".".join("k" * chance.choice((50, 50_000))) + " = 1"]
    return "\n".join(lines)
