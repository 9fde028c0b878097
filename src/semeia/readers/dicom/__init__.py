"""DICOM: find volumes and radiographs in a folder of any files, and put them together by their geometry.

| file | what it does |
|---|---|
| `header.py` | one file's header, or why it holds no image that is read |
| `moment.py` | when an image was acquired |
| `index.py` | the headers of a whole folder, read once and in parallel |
| `series.py` | image planes to stacks, by where they lie |
| `pixels.py` | decoded values of one file, in their unit |
| `volume.py` | a stack to voxels on a square, even grid |
| `ingest.py` | the command: images one by one; what was left out, and what headers say of persons, counted |
"""
