"""The roles of a case, the groups of their accounts, and a password for accounts of tests."""

from __future__ import annotations

#: Group of an account with that role in a case.
GROUPS = {
    "researcher": "researcher",
    "reviewer": "reviewer",
    "custodian": "custodian",
    "redactor": "redactor",
    "release_officer": "release officer",
    "lead": "case lead",
    "auditor": "auditor",
}
PASSWORD = "a long word that only tests know"
EVERYBODY = (*GROUPS, "administrator")
