"""What the knee study leaves in run.json in words: its limits, and its answers to checklists where the house's usual
ones speak of volumes.
"""

LIMITS = (
    "This is an open study of the question that arXiv 2603.24903 asks. Its archives are private; published values are "
    "context only and are not reproduced here.",
    "The Kellgren-Lawrence grade is one reading of one picture. Readers differ by a grade often enough, above all "
    "between 0 and 1 and between 1 and 2, so that no model can agree with the label beyond that.",
    "Pictures come without a scale in millimetres, each stretched to its own contrast and cut to the band around the "
    "joint: what lies outside the band is not seen.",
    "The networks are small and the pretraining short, for an ordinary computer. A longer one of a larger network may "
    "come out otherwise.",
    "Another hospital\N{RIGHT SINGLE QUOTATION MARK}s pictures may differ in whom they show, in who graded them and in "
    "how they were stored, all at once: the drop between cohorts does not say which.",
)
STATEMENTS = {
    "preprocessing": "Pictures keep their proportions, are cut to their middle, stretched between their own 1st and "
    "99th percentile, and inverted where bone is dark. Nothing of it is fitted; the tested ones go the same way.",
    "absent_input": "A knee without a picture is not scored.",
    "overfitting": "Weight decay, moved, mirrored and relit pictures, and few steps, fixed beforehand; a probe's "
    "penalty is chosen by cross-validation over the training patients. Every score is of a patient on whom the model "
    "was not fitted.",
}
