"""A connection to a peer for one thread: every wait has an end, and what the peer says is heard while sending.

Neither a plain socket nor one with TLS is ever used by two threads at once, which OpenSSL's would not survive.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from contextlib import suppress

from orthanc_video.errors import Declined, Unreachable, VideoError

_BLOCK = 1 << 16
_IN, _OUT = select.POLLIN, select.POLLOUT


class Wire:
    """``name`` is what sentences call the peer; all patience is in seconds. Failures are Unreachable or Declined."""

    def __init__(self, name: str, address: tuple[str, int], context: ssl.SSLContext | None, patience: float) -> None:
        self.name = name
        self._ahead = bytearray()
        # With TLS 1.3 a peer that does not like our certificate says so after the handshake, or just goes.
        self._uncertain = context is not None
        self._socket = _connected(name, address, context, patience)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, length: int, patience: float) -> bytes:
        """Exactly so many bytes."""
        until = time.monotonic() + patience
        while len(self._ahead) < length:
            if not self._hear():
                self._wait(_IN, until)
        found = bytes(self._ahead[:length])
        del self._ahead[:length]
        return found

    def write(self, data: memoryview, patience: float, *, listening: bool = False) -> bool:
        """Sends all; ``patience`` is for the peer to take any of it.

        ``listening``: ends with False as soon as the peer says something, where a part may be sent.
        """
        until = time.monotonic() + patience
        while data:
            if listening and (self._ahead or self._hear()):
                return False
            wanted = _OUT | (_IN if listening else 0)
            try:
                data = data[self._socket.send(data) :]
                until = time.monotonic() + patience
                continue
            except (BlockingIOError, ssl.SSLWantWriteError):
                pass
            except ssl.SSLWantReadError:
                wanted = _IN
            except OSError as error:
                raise self._lost(error) from error
            self._wait(wanted, until)
        return True

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def _hear(self) -> bool:
        """Whether the peer has said something; takes what there is of it."""
        try:
            found = self._socket.recv(_BLOCK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError as error:
            raise self._lost(error) from error
        if not found:
            raise self._lost(ConnectionResetError())
        self._ahead += found
        self._uncertain = False
        return True

    def _lost(self, error: OSError) -> VideoError:
        if self._uncertain and isinstance(error, ConnectionError | ssl.SSLEOFError):
            return Unreachable(f"{self.name} ended the connection without a word: does it accept our certificate?")
        return _lost(self.name, error)

    def _wait(self, wanted: int, until: float) -> None:
        poll = select.poll()
        poll.register(self._socket, wanted)
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(1000 * left):
            raise Unreachable(f"{self.name} did nothing for too long.")


def _connected(name: str, address: tuple[str, int], context: ssl.SSLContext | None, patience: float) -> socket.socket:
    try:
        plain = socket.create_connection(address, timeout=patience)
    except OSError as error:
        raise _absent(name, error) from error
    if context is None:
        return plain
    try:
        return context.wrap_socket(plain, server_hostname=address[0])
    except OSError as error:  # those of TLS among them
        plain.close()
        raise _lost(name, error) from error


def _absent(name: str, error: OSError) -> VideoError:
    if isinstance(error, socket.gaierror):
        return Unreachable(f"{name} cannot be found: nothing has that host name.")
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"{name} does not answer: nothing listens at that port.")
    if isinstance(error, TimeoutError):
        return Unreachable(f"{name} does not answer: the connection was not taken in time.")
    return Unreachable(f"{name} cannot be reached: {error.strerror or type(error).__name__}.")


def _lost(name: str, error: OSError) -> VideoError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Declined(
            f"The certificate of {name} is not to be trusted ({error.verify_message}): check Orthanc's "
            '"DicomTlsTrustedCertificates".'
        )
    if isinstance(error, ssl.SSLEOFError | TimeoutError):
        return Unreachable(f"{name} ended the connection in the middle of TLS.")
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "no reason given").replace("_", " ").lower()
        return Declined(f"TLS with {name} failed ({reason}): check both sides' certificates, and that it speaks TLS.")
    return Unreachable(f"{name} broke off the connection.")
