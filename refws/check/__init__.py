"""Any WebSocket endpoint, marked rule by rule: cases, what they allow, and how they are run."""
