"""What a shell may complete an option or an argument to."""

from __future__ import annotations

import click

__all__ = ["complete_constants", "complete_query", "complete_sample"]


def complete_constants(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return names of published constants."""
    from analyzer.data import published_constants

    del ctx, param
    return [name for name in published_constants() if name.startswith(incomplete)]


def complete_query(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return names of queries."""
    from analyzer.prometheus.query import load_queries

    del ctx, param
    return [name for name in load_queries() if name.startswith(incomplete)]


def complete_sample(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return names of bundled samples."""
    from analyzer.data import sample_path

    del ctx, param
    folders = sorted(item for item in sample_path().parent.iterdir() if item.is_dir())
    return [folder.name for folder in folders if folder.name.startswith(incomplete)]
