"""What the override of POST /instances costs an ordinary DICOM upload on Orthanc's port."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import material, servers
from benchmarks.measure import MB, Bench, Row, Target, compare, interleaved
from benchmarks.upload import dicom_to

_HOW = (
    "One POST by sendfile of a native multi-frame CT to Orthanc's port until it answers, with the override and with "
    "OverrideInstances false, the plugin and its gateway running in both. Synced before, deleted after each."
)


def measure(bench: Bench) -> Iterator[Row]:
    file = material.dicom_images(bench.folder, bench.scale.dicom)
    ours_server = servers.with_plugin(bench.folder / "override")
    rival_server = servers.with_plugin(bench.folder / "none", OverrideInstances=False)
    with ours_server as ours, rival_server as rival:
        sides = {"ours": dicom_to(ours, file), "rival": dicom_to(rival, file)}
        found = interleaved(sides, 3 * bench.scale.repetitions, warm_ups=2)
    yield compare(
        f"DICOM upload of {file.path.stat().st_size // MB} MB, override : no override",
        found["ours"],
        found["rival"],
        "s",
        target=Target(1.15, True),
        how=_HOW,
    )
