"""Pictures for slides: an explanation as SVG."""
