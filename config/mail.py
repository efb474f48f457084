"""The mail server that an operator names, read out of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from config.environment import Environment, SettingError

PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True)
class Mail:
    """Where notices are handed in; ``host`` is empty where nobody is written to."""

    host: str
    port: int
    security: str


def read(environment: Environment) -> Mail:
    """Return the server of notices.  Raises SettingError for one that can't be used."""
    security = environment.MUNIMENT_MAIL_SECURITY.lower()
    if security not in PORTS:
        raise SettingError(
            f"MUNIMENT_MAIL_SECURITY is {security!r}; write one of: {', '.join(PORTS)}."
        )
    host, colon, port = environment.MUNIMENT_MAIL_SERVER.partition(":")
    if colon and not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SettingError("MUNIMENT_MAIL_SERVER is not of the form host or host:port.")
    is_here = host in {"", "127.0.0.1", "localhost"}
    if security == "none" and not is_here:
        raise SettingError(
            "MUNIMENT_MAIL_SECURITY is none, but the mail server is another machine; "
            "write starttls or tls."
        )
    if environment.MUNIMENT_MAIL_PASSWORD and not environment.MUNIMENT_MAIL_USER:
        raise SettingError("MUNIMENT_MAIL_PASSWORD is given without MUNIMENT_MAIL_USER.")
    return Mail(host, int(port) if colon else PORTS[security], security)
