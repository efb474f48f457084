"""What a bundle says about its items: catalogue records in, files out.  Pure; no framework."""
