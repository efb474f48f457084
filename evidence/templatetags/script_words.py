"""Brings the scripts' words along with a page, where they are not English."""

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from evidence.script_words import in_the_readers_language

register = template.Library()


@register.simple_tag
def script_words() -> SafeString:
    """Return the words as JSON that no script runs; nothing for English."""
    language = get_language() or "en"
    if language.startswith("en"):
        return SafeString("")
    return json_script(in_the_readers_language(), "words")
