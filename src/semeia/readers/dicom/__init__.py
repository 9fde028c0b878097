"""DICOM: a folder of any files goes in; volumes and radiographs, put together by their geometry, come out.

| file | what it does |
|---|---|
| `header.py` | one file's header, or why it holds no image that is read |
| `moment.py` | when an image was acquired |
| `index.py` | the headers of a whole folder, read once and in parallel |
| `series.py` | image planes to stacks, by where they lie |
| `pixels.py` | decoded values of one file, in their unit |
| `codestream.py` | the size that a compressed frame claims |
| `volume.py` | a stack to voxels on a square, even grid |
| `reading.py` | images of an index one by one, what was left out counted |
| `identity.py` | what headers say of persons and is left behind |
| `ingest.py` | the command |
"""
