"""Programs: functions that are recorded once and replayed without Python."""
