"""Print how much a page says and weighs: words shown when it opens, words folded, bytes.

python tools/page_size.py RUN/report.html [...]
"""

import sys
from html.parser import HTMLParser
from pathlib import Path

UNSEEN = {"style", "script", "head", "pre"}


class Words(HTMLParser):
    """Counts words outside and inside what is folded; a summary is seen, what only a screen reader says is not."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.shown = self.folded = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag not in ("meta", "img", "br", "hr", "link", "input", "col", "line", "path", "use", "rect"):
            name = "div" if tag == "details" and "open" in dict(attrs) else tag
            self.open.append((name, "unseen" in classes or "skip" in classes))

    def handle_endtag(self, tag: str) -> None:
        if self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        names = [tag for tag, _ in self.open]
        if any(unseen for _, unseen in self.open) or UNSEEN & set(names):
            return
        words = len(data.split())
        folds, summaries = names.count("details"), names.count("summary")
        if folds > summaries:
            self.folded += words
        else:
            self.shown += words


def sizes(page: Path) -> tuple[int, int, int]:
    """Words shown, words folded, bytes."""
    words = Words()
    words.feed(page.read_text(encoding="utf-8"))
    return words.shown, words.folded, page.stat().st_size


if __name__ == "__main__":
    for name in sys.argv[1:]:
        shown, folded, size = sizes(Path(name))
        print(f"{name}: {shown:,} words shown, {folded:,} folded, {size / 1000:,.0f} KB")
