"""What a user may set, named once for the command line and for Python.

Texts below the front ends name a setting as `Setting.STEP`, which reads as the Python argument in
backticks. The command line spells it as its flag with `spelled`; nothing else knows flags.
"""

import re
from collections.abc import Mapping
from enum import StrEnum


class Setting(StrEnum):
    """A setting of the user; the value is the name of its argument in Python."""

    URL = "url"
    TOKEN_FILE = "token_file"  # noqa: S105 - the name of an argument
    USERNAME = "username"
    PASSWORD_FILE = "password_file"  # noqa: S105 - the name of an argument
    HEADERS = "headers"
    CA_FILE = "ca_file"
    CLIENT_CERTIFICATE = "client_certificate"
    CLIENT_KEY = "client_key"
    TIMEOUT = "timeout_seconds"
    DEADLINE = "deadline_seconds"
    MAX_ANSWER = "max_answer_mib"
    NAMESPACES = "namespaces"
    CLUSTER = "cluster"
    CLUSTER_LABEL = "cluster_label"
    REPLICA_LABELS = "replica_labels"
    DAYS = "days"
    START = "start"
    END = "end"
    STEP = "step_seconds"
    HIDE_NAMES = "hide_names"
    NO_RULES = "no_rules"
    FORCE = "force"
    SCENARIO = "scenario"
    NODE_COUNT = "node_count"
    POD_COUNT = "pod_count"
    NAMESPACE_COUNT = "namespace_count"
    PROXY_RPS = "proxy_rps"
    FORCE_SHORT = "force_short"
    WAYPOINT_REPLICAS = "waypoint_replicas"

    def __str__(self) -> str:
        """Return the setting as a text names it: the argument in backticks.

        >>> f"Collect a longer window ({Setting.DAYS})."
        'Collect a longer window (`days`).'
        """
        return f"`{self.value}`"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


# Compiled at its first use, which help never makes.
_NAMED = "|".join(re.escape(str(setting)) for setting in Setting)
_BY_TEXT = {str(setting): setting for setting in Setting}


def settings_in(text: str) -> tuple[Setting, ...]:
    """Return the settings that a text names, without repeats, in order."""
    return tuple(dict.fromkeys(_BY_TEXT[match] for match in re.findall(_NAMED, text)))


def spelled(text: str, spelling: Mapping[Setting, str]) -> str:
    """Return a text with its settings as one front end spells them; others are left unchanged.

    >>> spelled("Collect a longer window (`days`).", {Setting.DAYS: "--days"})
    'Collect a longer window (--days).'
    """
    return re.sub(_NAMED, lambda match: spelling.get(_BY_TEXT[match[0]], match[0]), text)
