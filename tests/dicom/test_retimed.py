"""The spans that follow a newly written index, also where a stream lies in fragments."""

from __future__ import annotations

import pytest

from clips import Clips
from dicom.objects import Counting, encapsulated, film, header
from orthanc_video.bitstream import retimed as index
from orthanc_video.dicom.locate import Stream, locate
from orthanc_video.dicom.retimed import retimed
from orthanc_video.dicom.syntaxes import BY_UID


@pytest.mark.parametrize("length", [1_000_000, 4096, 998])
def test_fragments_are_joined(clips: Clips, length: int) -> None:
    data = clips.index_at_end().read_bytes()  # the index behind the pictures leaves a hole
    fragments = [data[at : at + length] for at in range(0, len(data), length)]
    fragmentable = next(uid for uid in BY_UID if uid.endswith(".102.1"))
    stored = Counting(header(fragmentable) + encapsulated(fragments))
    located = locate(stored)
    found = retimed(stored, located)
    whole = index.retimed(Stream(stored, located.spans, located.length))
    assert found is not None
    assert whole is not None
    head, spans = found
    assert head == whole.head
    sent = b"".join(stored.read(span.offset, span.length) for span in spans)
    assert sent == b"".join(data[span.offset : span.offset + span.length] for span in whole.rest)


def test_what_has_no_index_stays_as_it_is() -> None:
    for stream in (film(1000), b"\x47" + bytes(187)):
        stored = Counting(header() + encapsulated([stream]))
        assert retimed(stored, locate(stored)) is None
