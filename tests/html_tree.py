"""A page read back as a list of its tags: whether it is well formed, what it refers to, what a screen reader finds."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "img", "br", "hr", "link", "input", "col"}


@dataclass
class Tag:
    """One element: its name, its attributes, the names of the elements that it stands in, and its children."""

    name: str
    attributes: dict[str, str]
    inside: list[str]
    children: list["Tag"] = field(default_factory=list)


class Tree(HTMLParser):
    """Checks that tags balance; `tags` are all elements in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[Tag] = []
        self.tags: list[Tag] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = Tag(tag, {name: value or "" for name, value in attrs}, [one.name for one in self.open])
        self.tags.append(found)
        if self.open:
            self.open[-1].children.append(found)
        if tag not in VOID:
            self.open.append(found)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop().name == tag

    def named(self, *names: str) -> list[Tag]:
        """The elements of these names."""
        return [tag for tag in self.tags if tag.name in names]

    def values(self, attribute: str) -> list[str]:
        """The values of an attribute, wherever it stands."""
        return [tag.attributes[attribute] for tag in self.tags if attribute in tag.attributes]


def parse(page: Path) -> Tree:
    """The page as a tree; fails when a tag is left open or closes nothing."""
    tree = Tree()
    tree.feed(page.read_text(encoding="utf-8"))
    tree.close()
    assert tree.open == []
    return tree
