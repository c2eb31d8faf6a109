"""Forms as they arrive: whole, in the smallest pieces, and made to do harm."""

from __future__ import annotations

import asyncio
import time
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
    media_type,
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


def _events(blocks: Iterable[bytes], content_type: str = _TYPE, *, each_alone: bool = False) -> list[Event]:
    async def collected() -> list[Event]:
        return [event async for event in events(content_type, _blocks(blocks), each_alone=each_alone)]

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


_NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@given(data=st.lists(st.tuples(_NAMES, st.binary(max_size=500)), min_size=1, max_size=4), size=st.integers(1, 64))
def test_related_parts_keep_their_locations_and_types(data: list[tuple[str, bytes]], size: int) -> None:
    body = _form(*((f"Content-Type: video/mp4\r\nContent-Location: {name}", part) for name, part in data))
    blocks = [body[at : at + size] for at in range(0, len(body), size)]
    found = _events(blocks, f'multipart/related; type="application/dicom+json"; boundary="{_BOUNDARY}"')
    begun = [event.headers for event in found if isinstance(event, PartBegins)]
    assert [(one["content-location"], one["content-type"]) for one in begun] == [
        (name, "video/mp4") for name, _ in data
    ]
    assert [part for _, _, part in _parts(found)] == [part for _, part in data]


@pytest.mark.parametrize(
    ("header", "kind", "parameters"),
    [
        ('Multipart/Related; TYPE="application/dicom+json"; boundary=x', "multipart/related",
         {"type": "application/dicom+json", "boundary": "x"}),
        ("video/mp4;transfer-syntax=1.2.840", "video/mp4", {"transfer-syntax": "1.2.840"}),
        ("", "", {}),
    ],
)  # fmt: skip
def test_media_types_have_parameters(header: str, kind: str, parameters: dict[str, str]) -> None:
    assert media_type(header) == (kind, parameters)


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
    "a header that no empty line ends": f"--{_BOUNDARY}\r\nX: 1\r\n--{_BOUNDARY}--".encode(),
    "no header, nor the end of one": f"--{_BOUNDARY}\r\n--{_BOUNDARY}--".encode(),
    "what goes on before its boundary": b"x" * (1 << 17) + b"\r\n" + _UPLOAD,
}


@pytest.mark.parametrize("name", _HOSTILE)
@pytest.mark.parametrize("size", [7, 1 << 16, 1 << 22])
def test_hostile_forms_are_refused(name: str, size: int) -> None:
    body = _HOSTILE[name]
    with pytest.raises(BadRequest):
        _events(body[at : at + size] for at in range(0, len(body), size))


_ALONE = (
    *("a header of a megabyte", "a header name of a megabyte", "a thousand headers", "a header without a colon"),
    *("a header with a control character", "a header that no empty line ends", "no header, nor the end of one"),
)


@pytest.mark.parametrize("name", _ALONE)
@pytest.mark.parametrize("size", [1, 1 << 16, 1 << 22])
def test_a_part_whose_header_cannot_be_read_may_fail_alone(name: str, size: int) -> None:
    end = f"--{_BOUNDARY}--".encode()
    good = _form((_DISPOSITION, b"good")).removesuffix(end + b"\r\n")
    body = good + _HOSTILE[name].rpartition(end)[0] + good + end
    if size == 1 and len(body) > 1 << 16:
        size = 1021
    found = _events((body[at : at + size] for at in range(0, len(body), size)), each_alone=True)
    assert [bool(event.flaw) for event in found if isinstance(event, PartBegins)] == [False, True, False]
    parts = _parts(found)
    assert (parts[0], parts[2]) == (("f", "", b"good"), ("f", "", b"good"))


@given(
    preamble=st.sampled_from([b"", b"\r\n", b"This is MIME.\r\n", b"--\r\n", f"x--{_BOUNDARY}\r\n\r\n".encode()]),
    padding=st.text(" \t", max_size=5),
    epilogue=st.binary(max_size=50),
    size=st.integers(1, 300),
)
def test_what_stands_around_the_parts_means_nothing(preamble: bytes, padding: str, epilogue: bytes, size: int) -> None:
    """RFC 2046 5.1.1: text before the first boundary and after the last, white space after each."""
    line = f"--{_BOUNDARY}"
    body = preamble + _UPLOAD.replace(f"{line}\r\nC".encode(), f"{line}{padding}\r\nC".encode()).removesuffix(b"\r\n")
    body += padding.encode() + b"\r\n" + epilogue
    assert _parts(_events(body[at : at + size] for at in range(0, len(body), size))) == _EXPECTED


def test_very_many_parts_in_one_block_take_no_time() -> None:
    body = f"--{_BOUNDARY}\r\n\r\n\r\n".encode() * 30_000 + f"--{_BOUNDARY}--".encode()
    begun = time.process_time()
    assert len(_events([body], each_alone=True)) == 60_000
    assert time.process_time() - begun < 5


def test_a_part_may_end_with_its_header() -> None:
    """RFC 2046 5.1.1, body-part: the empty line belongs to the boundary then."""
    body = f"--{_BOUNDARY}\r\n{_DISPOSITION}\r\n\r\n--{_BOUNDARY}--".encode()
    assert _parts(_events([body])) == _parts(_events(bytes([byte]) for byte in body)) == [("f", "", b"")]


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
