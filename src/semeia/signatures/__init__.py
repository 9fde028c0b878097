"""Clinical signatures: from a record's events to the values of independent components at a date."""
