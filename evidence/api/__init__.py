"""The API: every act of the pages for programs, by the same policy, with tokens of a scope.

A module for each thing that addresses name; ``doors`` lets callers in and turns refusals into
answers, ``bodies`` asks through the same forms as the pages.
"""
