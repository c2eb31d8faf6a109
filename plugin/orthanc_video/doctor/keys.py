"""Orthanc's configuration by itself: keys that slow videos down, lose them, or open them to strangers. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orthanc_video.dicom.rules import site_of
from orthanc_video.doctor.finding import Finding, advice, ok, problem
from orthanc_video.errors import ConfigurationError
from orthanc_video.settings import SECTION, Settings

Configuration = dict[str, Any]

# Orthanc's own defaults (its Configuration.json).
_TIMEOUT_SECONDS = 30
_THREADS = 50
_FEW_THREADS = 10
# Characters of a secret, of hexadecimal digits: 128 bits.
_SECRET = 32


def examine(configuration: Configuration, settings: Settings) -> Iterator[Finding]:
    """What the keys say, one finding for each subject."""
    yield _compression(configuration)
    yield _storage_in_database(configuration)
    yield _transcoding(configuration)
    yield _overwriting(configuration)
    yield _recycling(configuration)
    yield _body_size(configuration, settings)
    yield _timeout(configuration)
    yield _threads(configuration)
    yield _allow_threads(configuration)
    yield _access(settings)
    yield _passwords(configuration, settings)
    yield _encryption(configuration, settings)
    yield _launch(settings)
    yield _origins(settings)
    yield _rules(settings)


def _compression(configuration: Configuration) -> Finding:
    if configuration.get("StorageCompression", False):
        return advice(
            "StorageCompression",
            "Orthanc compresses its stored files: each video that is played is first copied into the gateway's cache.",
            'Set "StorageCompression" to false; videos do not get smaller by it. Files stored before stay compressed.',
        )
    return ok("StorageCompression", "Orthanc stores files uncompressed: videos are played straight from them.")


def _storage_in_database(configuration: Configuration) -> Finding:
    inside = [
        name
        for name in ("PostgreSQL", "MySQL", "Odbc")
        if isinstance(configuration.get(name), dict) and configuration[name].get("EnableStorage", False)
    ]
    if inside:
        return advice(
            "EnableStorage",
            f"Orthanc keeps its files in a database ({inside[0]}): each video that is played is first copied out.",
            f'Set "{inside[0]}.EnableStorage" to false, which puts new files into "StorageDirectory".',
        )
    return ok("EnableStorage", "Orthanc keeps its files outside the database.")


def _transcoding(configuration: Configuration) -> Finding:
    if configuration.get("IngestTranscoding", ""):
        return advice(
            "IngestTranscoding",
            "Orthanc tries to transcode all that arrives, videos included, which it cannot: it reads each one whole, "
            "and stores it as it was.",
            'Remove "IngestTranscoding", or transcode in the devices that send the images.',
        )
    return ok("IngestTranscoding", "Orthanc stores what arrives in the transfer syntax it arrived in.")


def _overwriting(configuration: Configuration) -> Finding:
    if configuration.get("OverwriteInstances", False):
        return advice(
            "OverwriteInstances",
            "An object that is sent a second time replaces the first one, even while somebody watches it.",
            'Set "OverwriteInstances" to false, unless something else here relies on it.',
        )
    return ok("OverwriteInstances", "What is stored is not replaced by a second sending.")


def _recycling(configuration: Configuration) -> Finding:
    bounds = [key for key in ("MaximumStorageSize", "MaximumPatientCount") if configuration.get(key, 0)]
    if not bounds:
        return ok("MaximumStorageSize", "Orthanc deletes nothing by itself.")
    if configuration.get("MaximumStorageMode", "Recycle") == "Recycle":
        return advice(
            "MaximumStorageSize",
            f'By "{bounds[0]}" Orthanc deletes its oldest patients, videos included, to make room; videos are large.',
            f'Set "{bounds[0]}" to 0, or "MaximumStorageMode" to "Reject", unless that is what you want.',
        )
    return advice(
        "MaximumStorageSize",
        f'"{bounds[0]}" is set: once it is reached, videos are acknowledged, but their jobs cannot store them.',
        f'Watch the storage, or set "{bounds[0]}" to 0 and bound uploads by "{SECTION}.MinimumFreeDiskMB".',
    )


def _body_size(configuration: Configuration, settings: Settings) -> Finding:
    subject, bound = "MaximumRequestBodySizeMB", int(configuration.get("MaximumRequestBodySizeMB", 0))
    # The stream and what goes around it.
    largest = settings.gateway.instance_mb + 16
    if 0 < bound < largest:
        return problem(
            subject,
            f"Orthanc takes at most {bound} MB at once, and the gateway makes objects of up to {largest}: what lies "
            "between cannot be stored.",
            f'Raise "{subject}" to {largest}, or lower "{SECTION}.InstanceMB" to {max(1, bound - 16)}.',
        )
    return ok(subject, "Orthanc takes objects as large as the gateway makes them.")


def _timeout(configuration: Configuration) -> Finding:
    seconds = configuration.get("HttpRequestTimeout", _TIMEOUT_SECONDS)
    if seconds < _TIMEOUT_SECONDS:
        return advice(
            "HttpRequestTimeout",
            f"Orthanc gives up on a client that pauses for {seconds} s, as slow lines do in a large upload.",
            f'Set "HttpRequestTimeout" to {_TIMEOUT_SECONDS} or more.',
        )
    return ok("HttpRequestTimeout", f"Orthanc waits {seconds} s for a client that pauses.")


def _threads(configuration: Configuration) -> Finding:
    count = configuration.get("HttpThreadsCount", _THREADS)
    if count < _FEW_THREADS:
        return advice(
            "HttpThreadsCount",
            f"Orthanc answers {count} requests at a time, of which half at most may wait for the gateway.",
            f'Set "HttpThreadsCount" to {_THREADS}, its default.',
        )
    return ok("HttpThreadsCount", f"Orthanc answers {count} requests at a time.")


def _allow_threads(configuration: Configuration) -> Finding:
    python = configuration.get("Python")
    if isinstance(python, dict) and python.get("AllowThreads", False):
        return ok("AllowThreads", "A slow client does not hold up a Python plugin of version 4.3 or newer.")
    return problem(
        "AllowThreads",
        "One slow client of one answer stops all of Orthanc's Python callbacks, uploads included.",
        'Set "Python": { "AllowThreads": true } (Python plugin 4.3 or newer; older ones ignore it).',
    )


def _access(settings: Settings) -> Finding:
    if settings.remote_access and not settings.authentication:
        return problem(
            "AuthenticationEnabled",
            "Everybody who reaches this machine may read, add and delete in Orthanc: no password is asked for.",
            'Set "AuthenticationEnabled" to true and name users in "RegisteredUsers".',
        )
    if not settings.remote_access:
        return ok("AuthenticationEnabled", "Orthanc answers callers on this machine only.")
    return ok("AuthenticationEnabled", "Orthanc asks callers for a password.")


def _passwords(configuration: Configuration, settings: Settings) -> Finding:
    users = configuration.get("RegisteredUsers") or {}
    well_known = {"orthanc", "password", "admin", "demo", "test", "changeme", "secret", ""}
    if settings.authentication and any(
        str(word).lower() in {*well_known, name.lower()} for name, word in users.items()
    ):
        return problem(
            "RegisteredUsers",
            "A registered user has a password that everybody tries first.",
            'Give each of "RegisteredUsers" a long random password, as `openssl rand -hex 24` prints one.',
        )
    return ok("RegisteredUsers", "No registered user has one of the passwords that are tried first.")


def _encryption(configuration: Configuration, settings: Settings) -> Finding:
    if settings.remote_access and not configuration.get("SslEnabled", False):
        return advice(
            "SslEnabled",
            "Orthanc answers other machines without encryption: passwords and patient data can be overheard.",
            "Put a proxy with TLS in front (docs/operations.md), and let other machines reach that one alone.",
        )
    return ok("SslEnabled", "Nothing leaves this machine unencrypted by Orthanc's own HTTP server.")


def _launch(settings: Settings) -> Finding:
    gateway = settings.gateway
    if gateway.launch:
        return ok("Launch", "Orthanc starts the gateway and ends it.")
    if not gateway.secret:
        return problem(
            "Launch",
            "The gateway runs by itself, but shares no secret with the plugin, so Orthanc's port carries no videos.",
            f'Set "{SECTION}.Secret" to the same long random text where Orthanc and where the gateway reads it.',
        )
    if len(gateway.secret) < _SECRET:
        return advice(
            "Launch",
            "The secret of gateway and plugin is short, and could be guessed from a session's cookie or a link, which "
            "hold passwords sealed with it.",
            f'Set "{SECTION}.Secret" to at least {_SECRET} random characters: openssl rand -hex 24 makes some.',
        )
    return ok("Launch", "The gateway runs by itself and shares a secret with the plugin.")


def _origins(settings: Settings) -> Finding:
    subject, origins = "AllowedOrigins", settings.gateway.allowed_origins
    if not origins:
        return ok(subject, "Pages of other origins read nothing here.")
    if "*" in origins:
        return advice(
            subject,
            "Every page of the web may ask the gateway for whatever it has, or can guess, a password for.",
            f'List the viewers that are meant in "{SECTION}.{subject}".',
        )
    return ok(subject, f"Pages of these origins may ask for what they have a password for: {', '.join(origins)}.")


def _rules(settings: Settings) -> Finding:
    """Of Profiles and Rules: whether they can be meant, and whether a file may come to each rule."""
    try:
        site = site_of(settings.gateway)
    except ConfigurationError as error:
        return problem("Rules", error.sentence, "Correct it: the gateway does not start like this.")
    always = next((at for at, rule in enumerate(site.rules) if not rule.filename and not rule.content_type), None)
    if always is not None and always + 1 < len(site.rules):
        return advice(
            "Rules",
            f'"{SECTION}.Rules[{always}]" is met by every file, so none after it ever counts.',
            "Move it to the end.",
        )
    return ok("Rules", f"{len(site.rules)} rules and {len(site.profiles)} profiles can be applied.")
