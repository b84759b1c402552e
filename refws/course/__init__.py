"""What learners use: explanations, traces and tapes, the page, the lesson, example services."""
