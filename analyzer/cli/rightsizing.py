"""The command that recommends requests and writes patches: rightsize."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from analyzer.cli import answering, machine
from analyzer.cli.ending import note
from analyzer.cli.parameters import command, examples, verbatim
from analyzer.errors import InsufficientData

if TYPE_CHECKING:
    from analyzer.cli import options
    from analyzer.measurement.snapshot import Snapshot
    from analyzer.projection.rightsizing.result import Rightsizing
    from analyzer.projection.scenario import Scenario
    from analyzer.report.answer import Answer

_FILES = verbatim(
    "Files:",
    "rightsizing.md    the recommendations, and how to apply the patches",
    "rightsizing.json  the same for programs; keeps to a published schema",
    "rightsizing.csv   a row for each workload, safe to open in a spreadsheet",
    "patches           a kustomization, and a patch for each workload",
    "values.yaml       with --style defaults: values for the Helm chart istiod",
)


@command(
    epilog=f"{_FILES}\n\n"
    + examples(
        "istio-usage rightsize mesh.snapshot -o out",
        "istio-usage rightsize mesh.snapshot --style defaults --cpu-limit none -o out",
    )
)
def rightsize(  # noqa: PLR0913, PLR0917 - one parameter for each group of options
    snapshot: options.SnapshotPath,
    scenario: options.ScenarioFile,
    recommending: options.RightsizingOptions,
    patching: options.PatchOptions,
    output: Annotated[Path | None, options.folder("the table and the patches")],
    output_format: options.Format,
    quiet: options.Quiet,
) -> None:
    """Recommend CPU and memory of sidecars, and write patches.

    Requests follow from what the sidecars of each workload used. Workloads with too little data,
    throttled sidecars or ones that ran out of memory have a reason in place of a recommendation.

    The patches set all of Istio's annotations for resources together. Nothing is applied.
    """
    from analyzer.measurement.snapshot import load_snapshot
    from analyzer.report.rightsized import RightsizingReport
    from analyzer.report.sentences.rightsizing import without_any, written

    assumed, loaded = recommending.assumed(scenario), load_snapshot(snapshot)
    answer, found = _recommended(loaded, assumed, force_short=recommending.force_short)
    report = RightsizingReport(
        answer=answer,
        found=found,
        patches=patching.patches(found, loaded.manifest),
        layout=patching.layout(),
    )
    if not any(item.recommended for item in found.workloads):
        raise InsufficientData(without_any(report.refusals))
    if output is not None:
        from analyzer.report.write import write_rightsizing

        paths = write_rightsizing(report, output)
        if not quiet:
            for line in written(paths, report.patches, output):
                note(line)
    answering.print_report(report, output_format)


def _recommended(
    snapshot: Snapshot, scenario: Scenario, *, force_short: bool
) -> tuple[Answer, Rightsizing]:
    """Return what was measured, and the recommendations."""
    from analyzer.calibration import calibrate_usage
    from analyzer.cli.flags import front_end
    from analyzer.measurement.usage import measure
    from analyzer.projection.project import rightsize as rightsized
    from analyzer.report.answer import Answer

    machine.collect_again()
    usage = measure(snapshot)
    found = rightsized(usage, calibrate_usage(usage), scenario, force_short=force_short)
    if not found.workloads:
        raise InsufficientData("The snapshot has no sidecars, so there is nothing to recommend.")
    return Answer(manifest=snapshot.manifest, usage=usage, front_end=front_end()), found
