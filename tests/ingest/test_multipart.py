"""Forms as they arrive: whole, in the smallest pieces, and made to do harm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import BadRequest
from orthanc_video.ingest.multipart import (
    Event,
    PartBegins,
    PartData,
    PartEnds,
    base_name,
    events,
    header_filename,
)

_BOUNDARY = "----WebKitFormBoundaryABC"
_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"
_Part = tuple[str, str, bytes]  # name, file name, data


def _form(*parts: tuple[str, bytes], boundary: str = _BOUNDARY) -> bytes:
    """Parts by their header lines and data."""
    body = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts)
    return body + f"--{boundary}--\r\n".encode()


async def _blocks(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def _events(blocks: Iterable[bytes], content_type: str = _TYPE) -> list[Event]:
    async def collected() -> list[Event]:
        return [event async for event in events(content_type, _blocks(blocks))]

    return asyncio.run(collected())


def _parts(found: list[Event]) -> list[_Part]:
    """The events put together again, in the only order that makes sense."""
    parts: list[_Part] = []
    begun: PartBegins | None = None
    data = b""
    for event in found:
        if isinstance(event, PartBegins):
            assert begun is None
            begun, data = event, b""
        elif isinstance(event, PartData):
            assert begun is not None
            data += event.data
        else:
            assert isinstance(event, PartEnds)
            assert begun is not None
            parts.append((begun.name, begun.filename, data))
            begun = None
    assert begun is None
    return parts


_VIDEO = bytes(range(256)) * 20 + b"\r\n--" + _BOUNDARY.encode()[:-1] + b"\r\n\r\n--\r\n"
_UPLOAD = _form(
    ('Content-Disposition: form-data; name="attributes"\r\nContent-Type: application/json', b'{"PatientID": "1"}'),
    ('Content-Disposition: form-data; name="file"; filename="Größe.mp4"\r\nContent-Type: video/mp4', _VIDEO),
    ('Content-Disposition: form-data; name="empty"', b""),
)
_EXPECTED: list[_Part] = [("attributes", "", b'{"PatientID": "1"}'), ("file", "Größe.mp4", _VIDEO), ("empty", "", b"")]


def test_whole() -> None:
    assert _parts(_events([_UPLOAD])) == _EXPECTED


def test_byte_by_byte() -> None:
    assert _parts(_events(bytes([byte]) for byte in _UPLOAD)) == _EXPECTED


@given(st.lists(st.integers(1, 300), min_size=1, max_size=200))
def test_in_any_pieces(lengths: list[int]) -> None:
    blocks: list[bytes] = []
    at = 0
    while at < len(_UPLOAD):
        length = lengths[len(blocks) % len(lengths)]
        blocks.append(_UPLOAD[at : at + length])
        at += length
    assert _parts(_events([b"", *blocks])) == _EXPECTED


@given(data=st.binary(max_size=2000), size=st.integers(1, 64))
def test_any_data_comes_through(data: bytes, size: int) -> None:
    body = _form(('Content-Disposition: form-data; name="f"', data))
    blocks = [body[at : at + size] for at in range(0, len(body), size)]
    assert _parts(_events(blocks)) == [("f", "", data)]


def test_data_are_handed_on_as_they_arrive() -> None:
    """Nothing is gathered: what a block brought is there before the next one is asked for."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="f"\r\n\r\n'.encode()
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield head
        for _ in range(100):
            sent += 10_000
            yield b"x" * 10_000
        yield f"\r\n--{_BOUNDARY}--\r\n".encode()

    async def run() -> int:
        received = 0
        async for event in events(_TYPE, body()):
            if isinstance(event, PartData):
                received += len(event.data)
                assert sent - received < 10_000
        return received

    assert asyncio.run(run()) == 1_000_000


@pytest.mark.parametrize(
    "content_type",
    [f'multipart/form-data; boundary="{_BOUNDARY}"', f"Multipart/Form-Data; charset=utf-8; Boundary={_BOUNDARY}"],
)
def test_content_types_as_clients_write_them(content_type: str) -> None:
    assert _parts(_events([_UPLOAD], content_type)) == _EXPECTED


@pytest.mark.parametrize("name", ["内視鏡 検査.mp4", "a'b (1) & more.mp4", "x" * 200 + ".mp4", "Ωμέγα.webm"])
def test_file_names_of_any_script(name: str) -> None:
    found = _parts(_events([_form((f'Content-Disposition: form-data; name="f"; filename="{name}"', b"x"))]))
    assert found == [("f", name, b"x")]


def test_header_names_have_no_case() -> None:
    found = _events([_form(('CONTENT-disposition: form-data; name="f"; filename="a.mp4"\r\nX-Other:  1 ', b"x"))])
    assert isinstance(found[0], PartBegins)
    assert (found[0].name, found[0].filename) == ("f", "a.mp4")
    assert found[0].headers["x-other"].strip() == "1"


def test_a_part_without_a_name() -> None:
    assert _parts(_events([_form(("Content-Type: video/mp4", b"x"))])) == [("", "", b"x")]


@pytest.mark.parametrize("cut", [0, 1, 30, 200, len(_UPLOAD) // 2, len(_UPLOAD) - 30, len(_UPLOAD) - 5])
def test_a_form_that_breaks_off_is_refused(cut: int) -> None:
    with pytest.raises(BadRequest, match=r"breaks off|malformed"):
        _events([_UPLOAD[:cut]])


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        f"multipart/form-data; boundary={'x' * 201}",
        "",
        "boundary=x",
        "\x00",
    ],
)
def test_a_form_without_a_usable_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(BadRequest, match="boundary"):
        _events([_UPLOAD], content_type)


_DISPOSITION = 'Content-Disposition: form-data; name="f"'
_HOSTILE: dict[str, bytes] = {
    "no form at all": b"\x00\x01\x02" * 500,
    "another boundary": _form((_DISPOSITION, b"x"), boundary="other"),
    "a header of a megabyte": _form((_DISPOSITION + "\r\nX-Long: " + "x" * (1 << 20), b"x")),
    "a header name of a megabyte": _form((_DISPOSITION + "\r\n" + "x" * (1 << 20) + ": 1", b"x")),
    "a thousand headers": _form((_DISPOSITION + "".join(f"\r\nX-{at}: 1" for at in range(1000)), b"x")),
    "a header that never ends": f"--{_BOUNDARY}\r\nX: ".encode() + b"x" * (1 << 20),
    "a header without a colon": _form(("Content-Disposition", b"x")),
    "a header with a control character": _form((_DISPOSITION + "\r\nX\x01Y: 1", b"x")),
}


@pytest.mark.parametrize("name", _HOSTILE)
@pytest.mark.parametrize("size", [7, 1 << 16, 1 << 22])
def test_hostile_forms_are_refused(name: str, size: int) -> None:
    body = _HOSTILE[name]
    with pytest.raises(BadRequest):
        _events(body[at : at + size] for at in range(0, len(body), size))


@given(body=st.binary(max_size=300), prefix=st.sampled_from([b"", f"--{_BOUNDARY}\r\n".encode(), _UPLOAD[:90]]))
def test_no_bytes_make_anything_but_a_bad_request(body: bytes, prefix: bytes) -> None:
    with pytest.raises(BadRequest):
        _events([prefix + body])


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("film.mp4", "film.mp4"),
        ("C:\\fakepath\\film.mp4", "film.mp4"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("Größe 内視鏡.mp4", "Größe 内視鏡.mp4"),
        ("a\r\nb\x00c.mp4", "abc.mp4"),
        ("folder/", ""),
        ("", ""),
        ("x" * 300, "x" * 255),
    ],
)
def test_file_names_lose_their_folders(given_name: str, kept: str) -> None:
    assert base_name(given_name) == kept


def test_file_names_in_a_header_are_percent_encoded() -> None:
    assert header_filename("..%2F..%2Fetc%2Fpasswd") == "passwd"
    assert header_filename("Gr%C3%B6%C3%9Fe%20x.mp4") == "Größe x.mp4"
    assert header_filename("%ff%zz") == "\ufffd%zz"


def test_a_quotation_mark_in_a_file_name() -> None:
    """As browsers and curl escape it in a form."""
    found = _events([_form(('Content-Disposition: form-data; name="f"; filename="5%22 lens 100%25.mp4"', b"x"))])
    assert isinstance(found[0], PartBegins)
    assert found[0].filename == '5" lens 100%25.mp4'
