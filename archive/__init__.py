"""Keeps bytes and proves what happened to them."""
