"""Names from file systems and people as plots and slides can show them: on one line, printable, not too long."""

from __future__ import annotations


def clean(text: str) -> str:
    """Text that XML can hold; line ends become spaces."""
    return "".join(c if c.isprintable() else " " if c in "\n\t\r" else "\N{REPLACEMENT CHARACTER}" for c in text)


def shorten(name: str, longest: int = 28) -> str:
    """A name that fits: its middle left out."""
    plain = clean(name)
    if len(plain) <= longest:
        return plain
    head = (longest - 1) * 3 // 5
    return f"{plain[:head]}…{plain[head + 1 - longest :]}"
