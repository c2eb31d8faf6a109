"""What arrives in Orthanc goes where the configuration's rules say (``Routes``): each object to each place once."""

from __future__ import annotations

import hashlib

from dbos import DBOS

from orthanc_video.archive import changes
from orthanc_video.archive.changes import Arrival
from orthanc_video.dicom.derived import is_form
from orthanc_video.dicom.moving import described
from orthanc_video.dicom.said import text
from orthanc_video.errors import VideoError
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import delivering, reading
from orthanc_video.jobs.running import Outcome, here
from orthanc_video.jobs.workflows import failure, until_it_passes
from orthanc_video.plain import to_json
from orthanc_video.routing import routes
from orthanc_video.routing.delivery import Asked, Delivery


def deliver_where_wanted(arrival: Arrival) -> None:
    """Part of a workflow: begins the deliveries that the rules want of a new object."""
    if not here().routes:
        return
    wanted = until_it_passes(lambda: _wanted(arrival.instance, arrival.uuid))
    for name in wanted.get("Destinations", ()):
        task = Delivery(
            id=_job_of(arrival.uuid, name),
            instance=arrival.instance,
            uuid=arrival.uuid,
            destination=name,
            asked=Asked.RULE,
        )
        delivering.enqueue(task.id, to_json(task))
    here().vacated.set()  # there may be room for them


def _job_of(stored: str, destination: str) -> str:
    """The same object goes to the same destination by rule once, whatever is repeated."""
    return f"route-{stored}-{hashlib.sha256(destination.encode()).hexdigest()[:12]}"


@DBOS.step(name="wanted_by_rules")
def _wanted(instance: str, stored: str) -> Outcome:
    running, arrival = here(), Arrival(instance, stored)
    try:
        source = changes.sender(running.archive, arrival)
        with reading.file_of(running.settings, running.archive, arrival) as path:
            with SpanSource(path) as file:
                _, said = described(Bytes(file))
            size = path.stat().st_size
        if is_form(said):  # what was made for a destination goes nowhere else
            return {"State": "Success", "Destinations": []}
        attributes = {keyword: text(said, keyword) for keyword in routes.keywords(running.routes)}
        titles = {name: one.aet for name, one in running.peers.destinations().items()}
    except VideoError as error:
        return failure(error)
    found = routes.wanted(running.routes, routes.Arrival(attributes=attributes, source=source, size=size), titles)
    return {"State": "Success", "Destinations": list(found)}
