"""Processes that begin with everything imported, which a new interpreter takes a second for."""

import multiprocessing
import pkgutil

import analyzer

PROCESSES = multiprocessing.get_context("forkserver")
"""Makes processes by a fork of a server that only imports, so that they share nothing else."""

PROCESSES.set_forkserver_preload(
    [
        # Each process imports the program that runs the tests.
        "pytest",
        "tests.live.command",
        "tests.live.kills",
        *(
            module.name
            for module in pkgutil.walk_packages(analyzer.__path__, "analyzer.")
            if module.name != "analyzer.__main__"
        ),
        # After all others.
        "tests.live.frozen",
    ]
)
