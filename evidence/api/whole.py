"""The API as one thing, for the site's addresses."""

from evidence.api import (
    account,
    administration,
    cases,
    claims,
    doors,
    items,
    keeping,
    ledger,
    profiles,
    releases,
    sayings,
    uploads,
)

api = doors.made()
for prefix, router in (
    ("", account.router),
    ("/cases", cases.router),
    ("/administration", administration.router),
    ("", claims.router),
    ("/items", items.router),
    ("/items", sayings.router),
    ("/items", keeping.router),
    ("/uploads", uploads.router),
    ("", releases.router),
    ("", profiles.router),
    ("/ledger", ledger.router),
):
    api.add_router(prefix, router)
