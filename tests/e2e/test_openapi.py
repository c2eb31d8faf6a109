"""Whatever is asked of what /openapi.json describes, the gateway does not fail: schemathesis, within bounded time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID

from e2e.dicomweb import Held, hold
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings

# Of each operation, and in all: what a fast machine tries more of than a slow one.
MOST_EXAMPLES = 25
SECONDS = 50
# Where docs/http.md says so, a rendition that is being made is 503 with Retry-After.
MAY_BE_PREPARING = ("/stream", "/index", "/rendered", "/thumbnail")

accepts = st.sampled_from([
    "*/*", "", "video/mp4", "video/*;q=0.1", "image/jpeg", "image/png, */*;q=0.1", "application/dicom+json",
    'multipart/related; type="application/dicom+xml"', 'multipart/related; type="application/dicom"; transfer-syntax=*',
    'multipart/related; type="video/mp4"', "application/octet-stream; transfer-syntax=1.2", ';;,q=,"',
    "multipart/*;q=x",
])  # fmt: skip
# What PS3.18 and this project name, with values that make sense and values that make none.
names = st.sampled_from([
    "accept", "viewport", "window", "quality", "annotation", "iccprofile", "includefield", "limit", "offset",
    "requestType", "studyUID", "seriesUID", "objectUID", "contentType", "frameNumber", "rows", "columns", "region",
    "windowCenter", "windowWidth", "imageQuality", "transferSyntax", "anonymize",
])  # fmt: skip
values = st.one_of(
    st.sampled_from([
        "WADO", "video/mp4", "application/dicom", "image/jpeg", "00083002", "all", "64,64", "0,0,1,1",
        "128,256,linear", "1", "0", "-1", "99999999999999999999", "1.5", "nan", "patient,technique", "yes", "%00",
        "\u0661", "a,b,c,d,e,f",
    ]),
    st.text(max_size=20),
)  # fmt: skip


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, recordings: Recordings, films: Films) -> Iterator[list[Held]]:
    """A gateway with a video, one that browsers cannot play, a film, and an image."""
    with OrthancServer(tmp_path_factory.mktemp("openapi"), {"VideoGateway": {"AnswerSeconds": 2.0}}) as running:
        mpeg = recordings.holding(films.source("mpeg2.mpg").read_bytes(), "1.2.840.10008.1.2.4.100")
        film = dcmread(str(get_testdata_file("examples_ybr_color.dcm")))
        film.SOPClassUID = film.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.3.1")
        path = films.folder / "openapi.dcm"
        film.save_as(path)
        objects = (recordings.one(), mpeg, path.read_bytes(), films.image().read_bytes())
        yield [hold(running, one) for one in objects]


# What bodies are made of: nothing, texts, a form, a file that is cut off.
bodies = st.one_of(
    st.sampled_from([b"", b"{}", b"[1", b'{"PatientID": "1"}', b"\0" * 128 + b"DICM" + b"\x02\0\0\0UL"]),
    st.binary(max_size=200),
)
UIDS = (("study", "study"), ("series", "series"), ("object", "instance"))
TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "100", "Upload-Offset": "0"}


def there(held: list[Held]) -> st.SearchStrategy[dict[str, str]]:
    """Names in paths, of one object that is there; some of another; none."""
    gateway = held[0].server.gateway_url
    job = requests.post(f"{gateway}/video/catch-up", timeout=10).json()["ID"]
    objects = [
        {"named": one.orthanc, "study": one.study, "series": one.series, "instance": one.instance} for one in held
    ]
    named = [*objects, *objects, objects[0] | {"named": held[1].instance, "series": held[1].series}, {}]
    more = st.fixed_dictionaries({}, optional={"job": st.just(job), "listed": st.sampled_from(["1", "2,3"])})
    return st.builds(lambda one, other: one | other, st.sampled_from(named), more)


def failed(case: Any, answer: Any) -> bool:
    if answer.status_code == 503 and case.path.endswith(MAY_BE_PREPARING):
        return "retry-after" not in answer.headers
    return int(answer.status_code) >= 500


def failures(operation: Any, known: st.SearchStrategy[dict[str, str]], until: float) -> tuple[set[str], set[int]]:
    """What an operation failed at, as commands of curl, and all statuses that it answered, until then."""
    found: set[str] = set()
    statuses: set[int] = set()

    @settings(
        max_examples=MOST_EXAMPLES, deadline=None, phases=(Phase.generate,), database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        case=operation.as_strategy(), path=known, accept=accepts, body=bodies,
        query=st.dictionaries(names, values, max_size=4),
    )  # fmt: skip
    def ask(case: Any, path: dict[str, str], accept: str, body: bytes, query: dict[str, str]) -> None:
        if statuses and time.monotonic() > until:
            return
        case.path_parameters = {name: path.get(name, given) for name, given in case.path_parameters.items()}
        case.query = query | (case.query if isinstance(case.query, dict) else {})
        if case.path == "/wado":
            uids = {f"{name}UID": path.get(one, "") for name, one in UIDS}
            case.query = {"requestType": "WADO"} | uids | case.query
        headers = {"Accept": accept, "Prefer": "wait=1"} | (TUS if "uploads" in case.path else {})
        more = {"data": body} if case.method in {"POST", "PATCH"} else {}
        answer = case.call(headers=headers, timeout=20, **more)
        statuses.add(answer.status_code)
        if failed(case, answer):
            found.add(f"{answer.status_code}: {case.as_curl_command(headers=headers)}: {answer.text[:200]}")

    ask()
    return found, statuses


def test_nothing_that_is_asked_makes_the_gateway_fail(held: list[Held]) -> None:
    gateway = held[0].server.gateway_url
    schema = schemathesis.openapi.from_url(f"{gateway}/openapi.json")
    operations: list[Any] = [cast(Any, result).ok() for result in schema.get_all_operations()]
    assert len(operations) > 30
    known, begun = there(held), time.monotonic()
    found: set[str] = set()
    succeeded = 0
    for number, operation in enumerate(operations, 1):
        wrong, statuses = failures(operation, known, begun + SECONDS * number / len(operations))
        found |= wrong
        succeeded += any(status < 400 for status in statuses)
    assert not found, "\n".join(sorted(found))
    assert succeeded > len(operations) / 2, "what is asked is too often not there"
    assert requests.get(f"{gateway}/health", timeout=10).status_code == 200
    assert "unexpected" not in held[0].server.log
