"""Groups of images that are one shot: pairs that hold together, and never a chain of them.

A group is what a person can decide at once, so every two of its members have to be the same shot. The rule is complete
linkage: **any two members that the search compared are linked by an accepted pair.** Connected components, the usual
way, need one link alone, and a few wrong ones then chain thousands of images into one heap.

Links are taken strongest first; one joins the groups of its two ends if all compared pairs between them are linked,
and else joins nothing. So a chain a-b-c-d without cross links makes no group of three. What the search did not compare
says nothing: of a run across two splits, a test image and its three copies in train are a group, though nobody asked
whether the copies in train resemble each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """An accepted pair of two images, by their ids; ``score`` says how surely they are one shot."""

    first: int
    second: int
    score: float

    @property
    def ends(self) -> tuple[int, int]:
        return (min(self.first, self.second), max(self.first, self.second))


@dataclass(frozen=True, slots=True)
class Group:
    """Two images or more, and every link between them: the pairs that hold the group together."""

    members: tuple[int, ...]
    links: tuple[Link, ...]


def find_groups(
    links: Iterable[Link], compared: Callable[[int, int], bool] = lambda first, second: True
) -> list[Group]:
    """Groups in the order of their first members. No image is in two of them, and the order of the links is nothing
    to them."""
    strongest: dict[tuple[int, int], Link] = {}
    for link in sorted(links):
        if link.first != link.second:
            known = strongest.get(link.ends)
            strongest[link.ends] = link if known is None or link.score > known.score else known
    group_of = _join(sorted(strongest.values(), key=lambda link: (-link.score, link.ends)), strongest, compared)
    held: dict[int, list[Link]] = {}
    for ends, link in sorted(strongest.items()):
        if group_of[ends[0]] is group_of[ends[1]]:
            held.setdefault(id(group_of[ends[0]]), []).append(link)
    members = {id(group): tuple(sorted(group)) for group in group_of.values()}
    return sorted((Group(members[which], tuple(inside)) for which, inside in held.items()), key=lambda g: g.members)


def _join(
    links: Sequence[Link], linked: Iterable[tuple[int, int]], compared: Callable[[int, int], bool]
) -> dict[int, list[int]]:
    """The group of each image; images of one group share the list."""
    neighbours: dict[int, set[int]] = {}
    for first, second in linked:
        neighbours.setdefault(first, set()).add(second)
        neighbours.setdefault(second, set()).add(first)
    group_of = {image: [image] for image in neighbours}
    refused: set[tuple[int, int, int, int]] = set()
    for link in links:
        one, other = sorted((group_of[link.first], group_of[link.second]), key=lambda group: (-len(group), group[0]))
        # Groups only grow, so what was refused once stays refused; this saves asking again for each link between two.
        case = (one[0], len(one), other[0], len(other))
        if one is other or case in refused:
            continue
        if all(b in neighbours[a] or not compared(a, b) for a in one for b in other):
            one.extend(other)
            for image in other:
                group_of[image] = one
        else:
            refused.add(case)
    return group_of
