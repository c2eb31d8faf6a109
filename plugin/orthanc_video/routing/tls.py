"""TLS as Orthanc itself speaks it to DICOM peers: one certificate to show, those to trust, host names not compared."""

from __future__ import annotations

import ssl

from orthanc_video.errors import ConfigurationError
from orthanc_video.routing.destinations import Dimse


def context_of(peer: Dimse) -> ssl.SSLContext | None:
    """Of Orthanc's ``DicomTls…`` settings; None for a peer without TLS. Raises ConfigurationError."""
    if not peer.tls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # As DCMTK, and so Orthanc: a peer is who has a certificate signed by one of those trusted.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if peer.verify else ssl.CERT_NONE
    try:
        if peer.trusted or peer.verify:
            context.load_verify_locations(peer.trusted)
        if peer.certificate:
            context.load_cert_chain(peer.certificate, peer.key)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            'The files of Orthanc\'s "DicomTlsCertificate", "DicomTlsPrivateKey" and "DicomTlsTrustedCertificates" '
            "cannot be used: check that they exist, are PEM, and belong together."
        ) from error
    return context
