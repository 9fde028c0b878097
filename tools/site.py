"""Builds the documentation as a site: python tools/site.py [FOLDER], which is site/ by default (`make docs`).

Pages of docs/ with search, the notebooks as pages, and the Python reference from docstrings. Nothing is fetched from
elsewhere; search alone wants it served (python -m http.server -d site), as browsers keep files apart.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import yaml

import semeia

ROOT = Path(__file__).parents[1]
CONFIG = {
    "site_name": "Semeia",
    "use_directory_urls": False,
    "theme": {
        "name": "material",
        "font": False,  # those of the reader's system; others would be fetched
        "features": ["navigation.indexes", "navigation.top", "content.code.copy"],
        "palette": {"scheme": "default", "primary": "teal", "accent": "teal"},
    },
    "extra": {"generator": False},
    "plugins": [
        "search",
        {
            "mkdocstrings": {
                "handlers": {
                    "python": {
                        "options": {
                            "docstring_style": "google",
                            "show_source": False,
                            "show_root_heading": True,
                            "heading_level": 2,
                            "members_order": "source",
                            "separate_signature": True,
                        }
                    }
                }
            }
        },
    ],
    "markdown_extensions": ["admonition", "tables", "toc", "pymdownx.superfences", "pymdownx.highlight"],
    "validation": {"links": {"anchors": "warn"}},
}
CHAPTERS = {
    "Do": "how-to",
    "Notebooks": "notebooks",
    "Results": "studies",
    "Evaluation": "evaluation",
    "Objectives": "objectives",
    "Reference": "reference",
    "Decisions": "decisions",
}


def reference() -> str:
    """The page of what `import semeia` gives, a directive for each name."""
    parts = ["# Python\n\nWhat `import semeia` gives, by name.\n"]
    for name, room in sorted(semeia.FRONT.items(), key=lambda item: item[0].lower()):
        parts.append(f"::: semeia.{room.removeprefix('semeia.')}.{name}\n")
    return "\n".join(parts)


def as_page(notebook: Path) -> str:
    """A notebook as Markdown: its texts and its code."""
    cells = json.loads(notebook.read_text())["cells"]
    texts = ["".join(cell["source"]) for cell in cells]
    parts = [
        text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
        for cell, text in zip(cells, texts, strict=True)
    ]
    return "\n\n".join(parts) + f"\n\n[The notebook]({notebook.name}){{: download }}\n"


def within(page: Path, pages: Path) -> str:
    """A page whose links to files outside the documentation are plain words."""

    def kept(link: re.Match[str]) -> str:
        target = (page.parent / link[2]).resolve()
        return link[0] if target.is_relative_to(pages.resolve()) and target.exists() else link[1]

    return re.sub(r"\[([^\]]*)\]\((?!https?://|#|mailto:)([^)#\s]+)[^)]*\)", kept, page.read_text())


def title(page: Path) -> str:
    """What a page is called: its first heading."""
    return re.sub(r"[`*]", "", page.read_text().partition("\n")[0].removeprefix("# "))


def build(out: Path) -> None:
    """Write the site."""
    with TemporaryDirectory() as folder:
        pages = Path(folder) / "docs"
        copytree(ROOT / "docs", pages)
        (pages / "reference" / "python.md").write_text(reference())
        for notebook in (pages / "notebooks").glob("*.ipynb"):
            notebook.with_suffix(".md").write_text(as_page(notebook))
        for page in pages.rglob("*.md"):
            page.write_text(within(page, pages))
        chapters = [
            {head: [{title(page): str(page.relative_to(pages))} for page in sorted((pages / under).glob("*.md"))]}
            for head, under in CHAPTERS.items()
        ]
        nav = [{"Start": "README.md"}, {"Tutorial": "tutorial.md"}, *chapters]
        config = CONFIG | {"docs_dir": str(pages), "site_dir": str(out.resolve()), "nav": nav}
        (Path(folder) / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False))
        command = [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--quiet",
            "-f",
            str(Path(folder) / "mkdocs.yml"),
        ]
        subprocess.run(command, check=True)
    for page in out.rglob("*.html"):
        fetched = re.findall(
            r"<(?:script|img|iframe)[^>]*src=\"https?://|<link[^>]*stylesheet[^>]*https?://", page.read_text()
        )
        if fetched:
            sys.exit(f"{page}: fetches from elsewhere: {fetched[0]}")
    print(out / "index.html")


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site")
