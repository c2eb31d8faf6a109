"""What destinations take: asked of them, remembered in the jobs' database with its age, and corrected by refusals."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from orthanc_video.archive.service import Archive
from orthanc_video.errors import Declined
from orthanc_video.form import Form
from orthanc_video.jobs.database import Database
from orthanc_video.routing import asking, capabilities, destinations, limits, steps
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.destinations import Destination
from orthanc_video.settings import Settings

# A peer is asked anew when what is known of it is as old as this, in seconds: it may have been upgraded.
_OLD = 24 * 3600.0


class Peers:
    """Blocking; raises Unreachable and Declined as the peers do, Busy while Orthanc does not answer."""

    def __init__(self, settings: Settings, archive: Archive, database: Database) -> None:
        self._settings = settings
        self._archive = archive
        self._database = database
        self._policies = limits.policies_from(settings.gateway)

    def destinations(self) -> dict[str, Destination]:
        """All that Orthanc knows at this moment, by name."""
        return destinations.known(self._archive, self._settings, self._policies)

    def destination(self, name: str) -> Destination:
        """Raises NotFound for a name that Orthanc does not know."""
        return destinations.one(self._archive, self._settings, self._policies, name)

    def policy(self, name: str) -> limits.Policy:
        """What the configuration says of a destination, whether Orthanc knows it or not."""
        return self._policies.get(name, limits.Policy())

    def closed_for(self, name: str) -> float:
        """How many seconds it is until something may be sent to a destination by its hours."""
        hours = self.policy(name).hours
        return 0.0 if hours is None else hours.wait(local_time()).total_seconds()

    def remembered(self, destination: Destination) -> Capabilities | None:
        """What is known of a destination, however old it is; None before it was asked."""
        told = self._database.capabilities(_address(destination))
        return None if told is None else capabilities.from_json(told)

    def capabilities(self, destination: Destination) -> Capabilities:
        """What it takes, asked now where that is not known or was asked long ago."""
        known = self.remembered(destination)
        if known is not None and known.age(datetime.now(UTC)) < _OLD:
            return known
        return self.asked(destination)

    def asked(self, destination: Destination) -> Capabilities:
        """What it takes, asked now. A DICOMweb server cannot be asked."""
        if destination.dimse is None:
            found = capabilities.untold(datetime.now(UTC).isoformat(timespec="seconds"))
        else:
            found = asking.ask(destination.dimse, steps.CLASSES)
        self._database.learn(_address(destination), found.to_json())
        return found

    def refused(self, destination: Destination, form: Form) -> None:
        """Remembers that such an object was refused when it was sent."""
        known = self.capabilities(destination).refusing(form.sop_class, form.transfer_syntax, form.container)
        self._database.learn(_address(destination), known.to_json())

    def echo(self, destination: Destination) -> float:
        """The seconds until it answered C-ECHO. Raises Declined also for a DICOMweb server."""
        if destination.dimse is None:
            raise Declined(f"{destination.name} is a DICOMweb server: it knows no C-ECHO.")
        return asking.echo(destination.dimse)


def local_time() -> datetime:
    """By the clock on the wall, which hours are of."""
    return datetime.now()


def _address(destination: Destination) -> str:
    """Another address, or other names there, may be another system."""
    dimse, web = destination.dimse, destination.web
    where = (dimse.host, dimse.port, dimse.aet, dimse.calling, dimse.tls) if dimse else (web.url if web else "",)
    return hashlib.sha256(repr(where).encode()).hexdigest()
