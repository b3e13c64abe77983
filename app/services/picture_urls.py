"""Addresses of a sample's pictures: its number, never a path."""

from __future__ import annotations


def image_url(sample_id: int) -> str:
    return f"/img/{sample_id}"


def thumb_url(sample_id: int) -> str:
    return f"/img/{sample_id}/thumb"
