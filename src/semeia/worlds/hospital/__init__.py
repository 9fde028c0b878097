"""A simulated hospital, written as raw files: CT series as DICOM, a record as OMOP, labels with dates, the truth apart.

Nobody in it exists, and every file says so. It shows a mechanism at work (what images and records of a patient have in
common, and what the label depends on), read by the same readers as a real hospital.

| file | what it makes up |
|---|---|
| `course.py` | causes of a patient over time, the label, when scans are taken |
| `scan.py` | a CT volume around a nodule |
| `record.py` | codes, laboratory values and drugs |
| `dicom_files.py` | DICOM files of a scan |
| `omop_files.py` | OMOP tables, labels and truth |
| `write.py` | the folder |
"""

from semeia.worlds.hospital.course import HospitalSettings
from semeia.worlds.hospital.write import write_hospital

__all__ = ["HospitalSettings", "write_hospital"]
