"""Any WebSocket client, marked rule by rule: it connects here, once for each case."""
