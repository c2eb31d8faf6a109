"""Certificates for tests of TLS: an authority, and who is signed by it."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Signed:
    certificate: Path
    key: Path


class Authority:
    """``certificate`` is the file that those who trust it name."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        made = self._begun(self._name, self._key).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        made = made.add_extension(_usage(signs=True), True)
        self._made = made.sign(self._key, hashes.SHA256())
        self.certificate = folder / f"{name}.crt"
        self.certificate.write_bytes(self._made.public_bytes(serialization.Encoding.PEM))

    def signed(self, name: str) -> Signed:
        """For 127.0.0.1, as server and as client."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = self._begun(_named(name), key).add_extension(address, False)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False
        ).add_extension(_usage(signs=False), True)
        files = Signed(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        files.certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _begun(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )


class Keys:
    """An authority with a server and a client, and one that nobody knows."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.server, self.client = self.authority.signed("server"), self.authority.signed("client")
        self.stranger = Authority(folder, "stranger").signed("impostor")

    def serving(self, who: Signed, *, demanding: bool = True) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(who.certificate, who.key)
        context.load_verify_locations(self.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED if demanding else ssl.CERT_NONE
        return context

    def calling(self, who: Signed | None) -> dict[str, Any]:
        shown = {"certificate": str(who.certificate), "key": str(who.key)} if who else {}
        return {"tls": True, "trusted": str(self.authority.certificate), **shown}


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
