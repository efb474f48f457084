"""The example case: what a press report says of two prisoners, and what it leaves open."""
