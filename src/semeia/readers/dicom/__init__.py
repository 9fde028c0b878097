"""DICOM: find volumes and radiographs in a folder of any files, and put them together by their geometry."""
