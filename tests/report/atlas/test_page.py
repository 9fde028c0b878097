"""The atlas page: self-contained, escaped, readable without its script."""

from html.parser import HTMLParser
from pathlib import Path

from semeia.report.atlas.page import Atlas, Bar, Card, Timeline, Track, atlas_html, polyline, write_atlas
from semeia.report.content import DataTable

EVIL = "<script>alert(1)</script>"
INSULIN = [Bar("Insulin", "medication", 1.2, 0.3), Bar(EVIL, "x", -0.4, None)]
RECORD = Timeline("Patient A", "3 years", [Track("Glucose", [0.0, 1.0], [(0.0, 0.0), (1.0, 1.0)], "5 to 9")])
ATLAS = Atlas(
    title="Atlas of 2 clinical signatures",
    facts=[("Fitted on", "40 patients")],
    remarks=["One is unstable."],
    cards=[
        Card("s001", "Insulin", 0.2, 0.95, 0.9, False, INSULIN),
        Card("s002", EVIL, 0.1, 0.5, 0.4, True, [Bar("Glucose", "measurement", 0.6, 0.9)], [RECORD]),
    ],
    sites=DataTable(["Site", "Patients", "Events", "Unmapped"], [[EVIL, "20", "300", "4 %"]]),
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(html)
    return parser.seen


def test_every_word_is_escaped_and_one_script_may_run():
    html = atlas_html(ATLAS)
    assert EVIL not in html
    assert "&lt;script&gt;" in html
    found = tags(html)
    assert [tag for tag, _ in found].count("script") == 1
    policy = next(attrs["content"] for tag, attrs in found if tag == "meta" and attrs.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert not [attrs for _, attrs in found if {"src", "onclick"} & attrs.keys()]
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html


def test_cards_say_what_they_raise_and_which_are_unstable():
    found = tags(atlas_html(ATLAS))
    cards = [attrs for tag, attrs in found if tag == "article"]
    assert [card["id"] for card in cards] == ["s001", "s002"]
    assert "data-unstable" not in cards[0]
    assert cards[1]["data-unstable"] == "1"
    html = atlas_html(ATLAS)
    assert '<h3 id="s001-h">Insulin</h3>' in html
    assert html.index("1 unstable: another draw") < html.index('id="s002"') < html.index("</details>\n</section>")
    assert "insulin" in (cards[0]["data-words"] or "")
    ids = [attrs["id"] for _, attrs in found if "id" in attrs]
    assert len(ids) == len(set(ids))
    widths = [attrs["style"] for tag, attrs in found if tag == "span" and attrs.get("class") in ("up", "down")]
    assert widths == ["width: 50.0%", "width: 16.7%", "width: 50.0%"]  # the longest bar of each fills its half


def test_a_patient_page_has_tracks_and_no_search(tmp_path: Path):
    page = Atlas("One", [], [], timelines=[Timeline("Signatures", "2 days", [Track("s001", line=[(0.5, 0.5)])])])
    html = write_atlas(page, tmp_path / "page.html").read_text()
    assert "<form" not in html
    assert html.count("<polyline") == 1


def test_curves_run_upwards_in_the_drawing():
    assert polyline([(0.0, 0.0), (1.0, 1.0)]) == "0.00,19.00 100.00,1.00"
