"""Every setting an operator can change: one frozen dataclass, read once from the environment.

A variable ``NAME`` may also be given as ``NAME_FILE``, the path of a file that holds the value;
secrets belong there.  A value that can't be read stops the start with a sentence that names the
variable.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class SettingError(Exception):
    """A variable holds something that can't be used; the message says which and what to do."""


def _setting(default: Any, explanation: str, *, unit: str = "") -> Any:
    return field(default=default, metadata={"help": explanation, "unit": unit})


@dataclass(frozen=True)
class Environment:
    """The variables, each with its type, unit, default and meaning."""

    MUNIMENT_DATA_DIR: Path = _setting(
        ROOT / "var" / "data", "Originals, previews, bundles and the SQLite database."
    )
    MUNIMENT_SIGNER_DIR: Path = _setting(
        ROOT / "var" / "signer",
        "The signing key and what it last signed. Keep it off the data folder's medium.",
    )
    MUNIMENT_SIGNER_SOCKET: str = _setting(
        "", "Socket of `manage.py signer`; when empty the application signs by itself."
    )
    MUNIMENT_ANCHOR_DIR: str = _setting(
        "", "A second folder for anchors and mirrors, on another machine's disk; none when empty."
    )
    MUNIMENT_KEYS_DIR: Path = _setting(
        ROOT / "var" / "keys",
        "Keys of the personal values. Keep it, and its copies, apart from the database's.",
    )
    MUNIMENT_WITNESS_DIR: Path = _setting(
        ROOT / "var" / "witness",
        "The key and the memory of `manage.py witness`. Losing it ends the witness.",
    )
    MUNIMENT_WITNESSES: str = _setting(
        "", "A C2SP tlog-policy file with the witnesses to ask; nobody is asked when empty."
    )
    MUNIMENT_TIME_AUTHORITIES: str = _setting(
        "", "A file with the RFC 3161 authorities to ask; nobody is asked when empty."
    )
    MUNIMENT_C2PA_TRUST_LIST: str = _setting(
        "",
        "A PEM file with the certificates that Content Credentials may lead to; none when empty.",
    )
    MUNIMENT_DECODING_THREADS: int = _setting(
        1, "Threads on which one film is decoded; more only where processors outnumber workers."
    )
    MUNIMENT_RUN_DIR: Path = _setting(
        ROOT / "var" / "run", "Sockets, locks and logs of the running processes."
    )
    MUNIMENT_SECRET_KEY: str = _setting(
        "", "Signs sessions and forms. Made once in the run folder when empty."
    )
    MUNIMENT_DEBUG: bool = _setting(default=False, explanation="Show error details in the browser.")
    MUNIMENT_HOSTS: str = _setting(
        "127.0.0.1,localhost,[::1]", "Host names that the site answers to, with commas between."
    )
    MUNIMENT_PROXIES: int = _setting(
        0, "How many proxies stand before the site; tells whose attempts to sign in are counted."
    )
    MUNIMENT_SECOND_FACTOR_REQUIRED: bool = _setting(
        default=False, explanation="Nobody gets further before a second factor is set up."
    )
    MUNIMENT_HTTPS: bool = _setting(
        default=False, explanation="The site stands behind TLS: secure cookies, HSTS, redirect."
    )
    MUNIMENT_ORIGIN: str = _setting(
        "muniment.invalid/archive", "The custody log's origin; unique, never reused (C2SP)."
    )
    MUNIMENT_ORGANISATION: str = _setting("Muniment archive", "Who keeps this archive.")
    MUNIMENT_CONTACT: str = _setting(
        "custody@muniment.invalid", "Address that bundles name for questions."
    )
    MUNIMENT_HOST: str = _setting("127.0.0.1", "Address that `manage.py up` listens on.")
    MUNIMENT_PORT: int = _setting(8000, "Port that `manage.py up` listens on.")
    MUNIMENT_MAIL_SERVER: str = _setting(
        "", "SMTP server for notices, as host or host:port; nobody is written to when empty."
    )
    MUNIMENT_MAIL_SECURITY: str = _setting(
        "starttls", "How the mail server is spoken to: starttls, tls, or none within one machine."
    )
    MUNIMENT_MAIL_USER: str = _setting("", "Name at the mail server; none when empty.")
    MUNIMENT_MAIL_PASSWORD: str = _setting("", "Password at the mail server.")
    MUNIMENT_MAIL_FROM: str = _setting(
        "", "Address that notices come from; that of MUNIMENT_CONTACT when empty."
    )
    MUNIMENT_SITE: str = _setting(
        "", "Address at which people sign in; notices end with it. They name none when empty."
    )
    MUNIMENT_MAX_UPLOAD: int = _setting(100 * 2**30, "Largest file taken in.", unit="bytes")
    MUNIMENT_SEAL_INLINE: int = _setting(
        256 * 2**20,
        "Uploads up to this are sealed within the request; larger by a job.",
        unit="bytes",
    )
    MUNIMENT_LEASE: int = _setting(
        30, "A job whose worker gave no sign for this long is given to another.", unit="seconds"
    )
    MUNIMENT_FIXITY_DAYS: int = _setting(
        30, "Every original is read back and compared at least this often.", unit="days"
    )
    MUNIMENT_FIXITY_RATE: int = _setting(
        32 * 2**20,
        "Originals are read back at most this fast, by each worker; 0 sets no limit.",
        unit="bytes a second",
    )
    DATABASE_URL: str = _setting("", "postgresql://user:password@host/name; SQLite when empty.")
    DATABASE_OWNER_URL: str = _setting(
        "", "The same database as the role that owns its tables; only `manage.py migrate` uses it."
    )
    REDIS_URL: str = _setting("", "Broker; a Valkey of its own is started by `up` when empty.")
    S3_BUCKET: str = _setting("", "Bucket for originals, previews and bundles; disk when empty.")
    S3_ENDPOINT_URL: str = _setting("", "S3 endpoint, when it is not the provider's default.")
    S3_REGION: str = _setting("", "Region of the bucket.")
    S3_ACCESS_KEY_ID: str = _setting("", "S3 access key.")
    S3_SECRET_ACCESS_KEY: str = _setting("", "S3 secret key.")
    S3_LOCK_MODE: str = _setting(
        "", "Object Lock of originals: GOVERNANCE or COMPLIANCE; the bucket's own rule when empty."
    )
    S3_LOCK_DAYS: int = _setting(
        0, "How long a locked original can't be removed by anybody.", unit="days"
    )


def _converted(name: str, kind: str, text: str) -> Any:
    if kind == "Path":
        return Path(text).expanduser().absolute()
    if kind == "bool":
        values = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if text.lower() not in values:
            raise SettingError(f"{name} is {text!r}; write yes or no.")
        return values[text.lower()]
    if kind == "int":
        if not text.isascii() or not text.isdigit():
            raise SettingError(f"{name} is {text!r}; write a whole number.")
        return int(text)
    return text


def read(variables: Mapping[str, str] = os.environ) -> Environment:
    """Return the settings given in ``variables``; raise SettingError for one that can't be used."""
    given: dict[str, Any] = {}
    for one in dataclasses.fields(Environment):
        text = variables.get(one.name, "")
        path = variables.get(f"{one.name}_FILE", "")
        if text and path:
            raise SettingError(f"Give either {one.name} or {one.name}_FILE, not both.")
        if path:
            try:
                text = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingError(f"{one.name}_FILE: {path} can't be read: {error}") from error
        if text:
            given[one.name] = _converted(one.name, str(one.type), text)
    return Environment(**given)


def without_owner(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return ``variables`` without the password of the tables' owner, which only migrate needs."""
    owner = ("DATABASE_OWNER_URL", "DATABASE_OWNER_URL_FILE")
    return {name: value for name, value in variables.items() if name not in owner}
