"""Faults injected into real processes at their system calls; `python -m tests.faults` does all."""
