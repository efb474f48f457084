"""Bundles as they were made once; each format version keeps its own for ever."""
