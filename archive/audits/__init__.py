"""What an audit checks, each module one kind of thing; archive.auditing puts them in order."""
