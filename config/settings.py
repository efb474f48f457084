"""Django's settings, worked out from config.environment; nothing else reads the environment."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from celery.schedules import crontab

from config import mail
from config.environment import ROOT, SettingError, read
from config.machine import socket_path

ENVIRONMENT = read()
BASE_DIR = ROOT

# Where things are kept, and where `up` listens.
HOST = ENVIRONMENT.MUNIMENT_HOST
PORT = ENVIRONMENT.MUNIMENT_PORT
DATA_DIR = ENVIRONMENT.MUNIMENT_DATA_DIR
RUN_DIR = ENVIRONMENT.MUNIMENT_RUN_DIR
SIGNER_DIR = ENVIRONMENT.MUNIMENT_SIGNER_DIR
SIGNER_SOCKET = (
    Path(ENVIRONMENT.MUNIMENT_SIGNER_SOCKET) if ENVIRONMENT.MUNIMENT_SIGNER_SOCKET else None
)
KEYS_DIR = ENVIRONMENT.MUNIMENT_KEYS_DIR
WITNESS_DIR = ENVIRONMENT.MUNIMENT_WITNESS_DIR
WITNESSES = Path(ENVIRONMENT.MUNIMENT_WITNESSES) if ENVIRONMENT.MUNIMENT_WITNESSES else None
C2PA_TRUST_LIST = (
    Path(ENVIRONMENT.MUNIMENT_C2PA_TRUST_LIST) if ENVIRONMENT.MUNIMENT_C2PA_TRUST_LIST else None
)
DECODING_THREADS = ENVIRONMENT.MUNIMENT_DECODING_THREADS
TIME_AUTHORITIES = (
    Path(ENVIRONMENT.MUNIMENT_TIME_AUTHORITIES) if ENVIRONMENT.MUNIMENT_TIME_AUTHORITIES else None
)
STORE_DIR = DATA_DIR / "store"
ANCHOR_FILES = [SIGNER_DIR / "anchors.txt"]
if ENVIRONMENT.MUNIMENT_ANCHOR_DIR:
    ANCHOR_FILES.append(Path(ENVIRONMENT.MUNIMENT_ANCHOR_DIR) / "anchors.txt")
LOG_ORIGIN = ENVIRONMENT.MUNIMENT_ORIGIN
ORGANISATION = ENVIRONMENT.MUNIMENT_ORGANISATION
CONTACT = ENVIRONMENT.MUNIMENT_CONTACT
MAX_UPLOAD = ENVIRONMENT.MUNIMENT_MAX_UPLOAD
SEAL_INLINE = ENVIRONMENT.MUNIMENT_SEAL_INLINE
LEASE_SECONDS = ENVIRONMENT.MUNIMENT_LEASE


def _secret_key() -> str:
    """Return the operator's key, or the one this machine made for itself on its first start."""
    if ENVIRONMENT.MUNIMENT_SECRET_KEY:
        return ENVIRONMENT.MUNIMENT_SECRET_KEY
    path = RUN_DIR / "secret_key"
    try:
        RUN_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            # Linked into place whole: processes that start at once must not read half a key.
            draft = RUN_DIR / f"secret_key.{secrets.token_hex(8)}"
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(50))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text(encoding="ascii")
    except OSError:
        # A folder that can't be written: each process makes its own, and `up` says what is wrong.
        return secrets.token_urlsafe(50)


def _database(url: str, variable: str = "DATABASE_URL") -> dict[str, Any]:
    if not url:
        # Any command may be the first; a folder that can't be made is said by the first query.
        with contextlib.suppress(OSError):
            DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "archive.sqlite3",
            # WAL with FULL survives power loss; IMMEDIATE because a read-then-write
            # transaction of the default mode fails at once when another writes.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
                # Else the bytes of an erased value stay in the file until they are written over.
                "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; "
                # Else a full folder for temporary files stops what writes many rows at once.
                "PRAGMA temp_store=MEMORY;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise SettingError(f"{variable} must begin with postgresql://; leave it out for SQLite.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        # sslmode=verify-full and the like.  A process that was stopped inside a transaction must
        # not keep the others waiting without end; the server ends its session.
        "OPTIONS": {
            "options": "-c lock_timeout=20s -c idle_in_transaction_session_timeout=60s",
            **dict(parse_qsl(parts.query)),
        },
    }


def _owner(url: str, application: dict[str, Any]) -> dict[str, Any]:
    """Return how `manage.py migrate` reaches the database; nothing where there is but one role."""
    if not url:
        return {}
    owner = _database(url, "DATABASE_OWNER_URL")
    if owner["NAME"] != application["NAME"]:
        raise SettingError("DATABASE_OWNER_URL and DATABASE_URL must name the same database.")
    if not owner["USER"] or application.get("USER") in {"", owner["USER"]}:
        raise SettingError("DATABASE_OWNER_URL and DATABASE_URL must name two different roles.")
    return owner


SECRET_KEY = _secret_key()
DEBUG = ENVIRONMENT.MUNIMENT_DEBUG
ALLOWED_HOSTS = [host.strip() for host in ENVIRONMENT.MUNIMENT_HOSTS.split(",") if host.strip()]

INSTALLED_APPS = [
    "config",
    "evidence",
    "archive",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
MIDDLEWARE = [
    "config.headers.SecurityHeaders",
    "evidence.refusing.UnreadableAddress",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "evidence.signing_in.Sessions",
    "allauth.account.middleware.AccountMiddleware",
    "evidence.signing_in.SecondFactorFirst",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "evidence.refusing.CustodyStopped",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DATABASE_IS_SERVER = bool(ENVIRONMENT.DATABASE_URL)
DATABASES = {"default": _database(ENVIRONMENT.DATABASE_URL)}
DATABASE_OWNER = _owner(ENVIRONMENT.DATABASE_OWNER_URL, DATABASES["default"])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
ACCOUNT_ADAPTER = "evidence.signing_in.Accounts"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_SESSION_REMEMBER = True  # for as long as evidence.signing_in lets a session last
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "20/5m/ip,5/5m/key",
    "reauthenticate": "10/m/user",
}
# Nothing is sent before an operator names a server (evidence.notifying).
MAIL = mail.read(ENVIRONMENT)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL.host else 'dummy'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT, EMAIL_TIMEOUT = MAIL.host, MAIL.port, 10
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.security == "starttls", MAIL.security == "tls"
EMAIL_HOST_USER = ENVIRONMENT.MUNIMENT_MAIL_USER
EMAIL_HOST_PASSWORD = ENVIRONMENT.MUNIMENT_MAIL_PASSWORD
DEFAULT_FROM_EMAIL = ENVIRONMENT.MUNIMENT_MAIL_FROM or ENVIRONMENT.MUNIMENT_CONTACT
SITE = ENVIRONMENT.MUNIMENT_SITE
MFA_ADAPTER = "evidence.signing_in.SecondFactor"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
SECOND_FACTOR_REQUIRED = ENVIRONMENT.MUNIMENT_SECOND_FACTOR_REQUIRED
# How often somebody tried is counted here, by all processes together.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "muniment_cache",
    }
}
ALLAUTH_TRUSTED_PROXY_COUNT = ENVIRONMENT.MUNIMENT_PROXIES

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("uk", "Українська"), ("ko", "한국어")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [
    ("fonts", BASE_DIR / "evidence" / "formats" / "fonts"),  # of papers and pages
    ("client", BASE_DIR / "client"),
]

# Originals never pass through these: archive.store keeps them in its own order of writing.
S3_FILES: dict[str, Any] = {
    "bucket_name": ENVIRONMENT.S3_BUCKET,
    "endpoint_url": ENVIRONMENT.S3_ENDPOINT_URL or None,
    "region_name": ENVIRONMENT.S3_REGION or None,
    "access_key": ENVIRONMENT.S3_ACCESS_KEY_ID or None,
    "secret_key": ENVIRONMENT.S3_SECRET_ACCESS_KEY or None,
    "default_acl": None,
    "file_overwrite": False,
    "querystring_expire": 300,
}


def _storage(folder: str) -> dict[str, Any]:
    if ENVIRONMENT.S3_BUCKET:
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {**S3_FILES, "location": folder},
        }
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / folder, "file_permissions_mode": 0o440},
    }


STORAGES = {
    "default": _storage("unused"),
    "derivatives": _storage("derivatives"),
    "bundles": _storage("bundles"),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
FIXITY_DAYS = ENVIRONMENT.MUNIMENT_FIXITY_DAYS
FIXITY_RATE = ENVIRONMENT.MUNIMENT_FIXITY_RATE
# "disk" or "s3": names a module of archive.backends, which keeps the originals.
STORE_BACKEND = "s3" if ENVIRONMENT.S3_BUCKET else "disk"
STORE_S3: dict[str, Any] = {
    "bucket": ENVIRONMENT.S3_BUCKET,
    "endpoint_url": ENVIRONMENT.S3_ENDPOINT_URL or None,
    "region_name": ENVIRONMENT.S3_REGION or None,
    "aws_access_key_id": ENVIRONMENT.S3_ACCESS_KEY_ID or None,
    "aws_secret_access_key": ENVIRONMENT.S3_SECRET_ACCESS_KEY or None,
    # Object Lock: how, and for how many days, the bucket refuses to remove or change a version.
    "lock_mode": ENVIRONMENT.S3_LOCK_MODE or None,
    "lock_days": ENVIRONMENT.S3_LOCK_DAYS or None,
}

# The broker is a doorbell; the outbox in the database is the record of work.
OWN_BROKER = not ENVIRONMENT.REDIS_URL
VALKEY_SOCKET = socket_path(RUN_DIR)
CELERY_BROKER_URL = ENVIRONMENT.REDIS_URL or f"redis+socket://{quote(str(VALKEY_SOCKET))}"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 100
CELERY_BEAT_SCHEDULE = {
    "redrive unfinished work": {
        "task": "evidence.sweep",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "sign the ledger's head": {
        "task": "archive.checkpoint",
        "schedule": 20.0,
        "options": {"expires": 20.0},
    },
    "have witnesses cosign the ledger's head": {
        "task": "archive.cosign",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "have authorities stamp the ledger's head": {
        "task": "archive.timestamp",
        "schedule": 600.0,
        "options": {"expires": 600.0},
    },
    "verify what came in since the last audit, nightly": {
        "task": "evidence.verify",
        "args": ["archive.audit_since_last"],
        "schedule": crontab(hour="2", minute="17"),
    },
    "verify the whole ledger and every original, weekly": {
        "task": "evidence.verify",
        "args": ["archive.audit"],
        "schedule": crontab(day_of_week="sun", hour="3", minute="17"),
    },
    "read originals back, longest unread first": {
        "task": "evidence.read_back",
        "schedule": 300.0,
        "options": {"expires": 300.0},
    },
    "tell by mail that something waits, if an operator turned mails on": {
        "task": "evidence.notify",
        "schedule": 900.0,
        "options": {"expires": 900.0},
    },
    "write sidecars that a crash left out": {
        "task": "evidence.restore_sidecars",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "destroy keys of erased values that a crash left": {
        "task": "archive.finish_erasing",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "remove what was half written": {
        "task": "archive.sweep_temporary",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
}

SESSION_COOKIE_AGE = 12 * 3600  # at most; evidence.signing_in ends it earlier when it is not used
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
# A browser's preload list is for the owner of the whole domain to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
if ENVIRONMENT.MUNIMENT_HTTPS:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    LANGUAGE_COOKIE_SECURE = True
    # Browsers take these from this host alone, and only over TLS.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
