"""Where videos are to be sent: whether what the configuration says of it can be meant, and Orthanc knows the names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orthanc_video.archive.service import Archive
from orthanc_video.doctor.finding import Finding, advice, ok, problem
from orthanc_video.errors import ConfigurationError, VideoError
from orthanc_video.routing import destinations, limits
from orthanc_video.routing.destinations import Destination
from orthanc_video.routing.routes import Route, routes_from
from orthanc_video.settings import SECTION, Settings

_CORRECT = "Correct it: the gateway does not start like this."
_NAME = "Correct the name, or make it known to Orthanc: an entry of DicomModalities, or of DicomWeb.Servers."


def examine(settings: Settings) -> Iterator[Finding]:
    """Without an Orthanc that answers there is nothing to say of names."""
    try:
        policies = limits.policies_from(settings.gateway)
    except ConfigurationError as error:
        yield problem("Destinations", error.sentence, _CORRECT)
        return
    try:
        routes = routes_from(settings.gateway)
    except ConfigurationError as error:
        yield problem("Routes", error.sentence, _CORRECT)
        return
    try:
        known = destinations.known(Archive(settings), settings, policies)
    except VideoError:  # told by services
        return
    yield from _destinations(limits.unused(policies, known), known)
    yield from _routes(routes, known)


def _destinations(unused: Iterable[str], known: Mapping[str, Destination]) -> Iterator[Finding]:
    found = [advice("Destinations", sentence, f"{_NAME} What it limits now is nothing.") for sentence in unused]
    found += [advice("Destinations", one.fault, "Until then it gets nothing.") for one in known.values() if one.fault]
    yield from found or (ok("Destinations", f"Of {len(known)} destinations that Orthanc knows all can be sent to."),)


def _routes(routes: tuple[Route, ...], known: Mapping[str, Destination]) -> Iterator[Finding]:
    found = [
        problem("Routes", f'"{SECTION}.Routes[{at}]" names {name}, which Orthanc does not know.', _NAME)
        for at, route in enumerate(routes)
        for name in route.destinations
        if name not in known
    ]
    yield from found or (ok("Routes", f"{len(routes)} routes lead where Orthanc can send."),)
