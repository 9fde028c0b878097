"""Write a run folder as one page that a clinician can read: `write_report`."""

from semeia.report.compare.page import compare_runs
from semeia.report.flow import Box, flow_record
from semeia.report.page import write_report
from semeia.report.sections.examples import Example, Plane, write_examples

__all__ = ["Box", "Example", "Plane", "compare_runs", "flow_record", "write_examples", "write_report"]
