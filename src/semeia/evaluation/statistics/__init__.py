"""What labels, scores and draws say: arrays in, numbers out; nothing here knows arms, cohorts or tables."""
