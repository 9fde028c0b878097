"""The cohort flow from boxes to trunk and branches."""

from semeia.report.flow import Box, flow_record, read_flow


def test_what_a_study_records_is_what_is_drawn():
    boxes = [
        Box("Archive", patients=10, units=30),
        Box("No image", group="excluded", patients=1, units=2),
        Box("With an image", patients=9, units=28, note="crops"),
        Box("Pool", group="pretraining", patients=8, units=20),
        Box("GE", group="internal", patients=4),
        Box("Labelled", group="internal", patients=3, units=5),
        Box("Third site", group="validation", patients=1),
    ]
    flow = read_flow(flow_record(boxes, unit="nodule"))

    assert flow is not None
    assert flow.unit == "nodule"
    assert [box.label for box in flow.trunk] == ["Archive", "With an image"]
    assert [out.label for out in flow.trunk[0].excluded] == ["No image"]
    assert [(title, [b.label for b in found]) for title, found in flow.branches] == [
        ("pretraining", ["Pool"]),
        ("internal", ["GE", "Labelled"]),
        ("validation", ["Third site"]),
    ]


def test_counts_may_be_unknown():
    flow = read_flow([{"label": "Archive", "patients": None}])

    assert flow is not None
    assert flow.trunk[0].patients is None


def test_nothing_to_draw():
    assert read_flow(None) is None
    assert read_flow({"boxes": []}) is None
    assert read_flow({"patients": 3}) is None
